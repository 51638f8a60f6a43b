"""Accept an uploaded bundle: read, measured, inspected, pinned.

Exactly the inspected bytes are stored as the bundle, not another copy of the upload, which its presigned URL could
have replaced meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import ClientError

from modelcote.bundle.inspect import inspect_bundle
from modelcote.control.bundle_spec import complete_spec, without_unknown_members
from modelcote.core.digests import file_sha256
from modelcote.core.errors import Conflict, Invalid, InvalidBundle, PayloadTooLarge
from modelcote.core.objects import bundle_key
from modelcote.core.spec import spec_to_dict
from modelcote.registry import versions
from modelcote.registry.records import Version, VersionState
from modelcote.registry.store import Registry

# Lambda's limit for a function with its layers, unpacked; a larger bundle could not be served.
MAX_BUNDLE = 250 * 1024 * 1024
_CHUNK = 1024 * 1024


def is_uploaded(registry: Registry, version: Version) -> bool:
    """Return whether the version's bundle has been uploaded."""
    return _size(registry, version) is not None


def accept_upload(registry: Registry, version: Version) -> Version:
    """Return the version with its bundle pinned; one whose upload was accepted before is returned unchanged.

    Raise `Conflict` if nothing was uploaded or the upload was refused before. What inspection raises ends the version
    as FAILED. The upload itself is deleted either way.
    """
    if version.state == VersionState.FAILED:
        raise Conflict(f"version {version.version} has failed: {version.message}", "Create a new version.")
    if version.state != VersionState.AWAITING_UPLOAD:
        return version
    size = _size(registry, version)
    if size is None:
        raise Conflict("the bundle has not been uploaded yet.", "PUT it to the upload URL first.")
    with tempfile.TemporaryDirectory() as folder:
        try:
            uploaded, path, sha256 = _inspected(registry, version, size, Path(folder))
        except (Invalid, PayloadTooLarge) as error:
            versions.refuse_upload(registry, version, error.text)
            _delete_upload(registry, version)
            raise
        registry.s3.upload_file(str(path), registry.bucket, bundle_key(version.project, version.name, version.version))
        try:
            pinned = versions.mark_uploaded(registry, uploaded, sha256, path.stat().st_size)
        except Conflict:
            # Another request for the same upload was faster.
            pinned = versions.get(registry, version.project, version.name, version.version)
    _delete_upload(registry, version)
    return pinned


def _inspected(registry: Registry, version: Version, size: int, folder: Path) -> tuple[Version, Path, str]:
    """Return the version with its whole spec, the bundle as it will be stored, and that file's sha256."""
    if size > MAX_BUNDLE:
        raise PayloadTooLarge(f"the bundle has {size:,} bytes.", f"Send at most {MAX_BUNDLE:,} bytes.")
    path = folder / "bundle.zip"
    sha256 = _download(registry, version, path)
    _check_declared(version, path, sha256)
    fields = json.loads(version.spec_json)
    if not fields["flow"]:
        spec = complete_spec(fields, inspect_bundle(path, None), path)
        version = replace(version, spec_json=json.dumps(spec_to_dict(spec), separators=(",", ":")))
    else:
        inspect_bundle(path, version.spec)
    stored = without_unknown_members(path, folder / "stored.zip")
    return version, stored, sha256 if stored == path else file_sha256(stored)


def _download(registry: Registry, version: Version, path: Path) -> str:
    """Return the sha256 of what was read."""
    body = registry.s3.get_object(Bucket=registry.bucket, Key=version.upload_key)["Body"]
    read, digest = 0, hashlib.sha256()
    with path.open("wb") as file:
        for chunk in body.iter_chunks(_CHUNK):
            read += len(chunk)
            if read > MAX_BUNDLE:
                raise PayloadTooLarge("the bundle grew while it was read.", f"Send at most {MAX_BUNDLE:,} bytes.")
            file.write(chunk)
            digest.update(chunk)
    return digest.hexdigest()


def _check_declared(version: Version, path: Path, sha256: str) -> None:
    size = path.stat().st_size
    if version.declared_bytes and size != version.declared_bytes:
        raise InvalidBundle(
            f"the bundle has {size:,} bytes, {version.declared_bytes:,} were announced.", "Upload it again, whole."
        )
    if version.declared_sha256 and sha256 != version.declared_sha256:
        raise InvalidBundle("the bundle's sha256 is not the announced one.", "Upload the file that was announced.")


def _size(registry: Registry, version: Version) -> int | None:
    try:
        return registry.s3.head_object(Bucket=registry.bucket, Key=version.upload_key)["ContentLength"]
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (403, 404):
            return None  # S3 answers 403 for a missing object where the role may not list the bucket.
        raise


def _delete_upload(registry: Registry, version: Version) -> None:
    """Delete every version of the upload: another client's bundle may hold its sender's API key."""
    pages = registry.s3.get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=registry.bucket, Prefix=version.upload_key):
        for row in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            registry.s3.delete_object(Bucket=registry.bucket, Key=row["Key"], VersionId=row["VersionId"])
