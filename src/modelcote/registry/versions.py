"""Versions: their numbers, uploads and bundles."""

from __future__ import annotations

import json
from dataclasses import replace

from modelcote.aws.rows import project_pk
from modelcote.aws.table import ConditionFailed, add, default
from modelcote.core.errors import Conflict, NotFound
from modelcote.core.objects import bundle_key
from modelcote.core.spec import ModelSpec, spec_to_dict
from modelcote.core.texts import quoted
from modelcote.core.times import now
from modelcote.registry import models
from modelcote.registry.records import ModelState, Version, VersionState, model_key, version_key, version_prefix
from modelcote.registry.store import Registry

UPLOAD_SECONDS = 15 * 60
ZIP = "application/zip"
_AWAITING = "#state = :awaiting"


def create(registry: Registry, project: str, spec: ModelSpec, sha256: str = "", size: int = 0) -> tuple[Version, str]:
    """Create a version that awaits its upload; return it and a presigned URL (15 minutes, PUT, `application/zip`).

    The number is taken from a counter on the model's row, so no two calls share one; a failed call leaves a
    gap, never a loss. Raises `Conflict` while the model is being deleted.
    """
    models.ensure_project(registry, project)
    at = now()
    try:
        model = registry.table.update(
            model_key(project, spec.name),
            {
                "project": project,
                "name": spec.name,
                "state": default(ModelState.NEW),
                "current_version": default(0),
                "wanted_version": default(0),
                "last_version": add(1),
                "updated_at": at,
            },
            "attribute_not_exists(#pk) OR #state <> :deleting",
            deleting=ModelState.DELETING,
        )
    except ConditionFailed:
        raise Conflict(f"{spec.name} is being deleted.", "Deploy again when it is gone, or use another name.") from None
    version = Version(
        project,
        spec.name,
        model["last_version"],
        VersionState.AWAITING_UPLOAD,
        json.dumps(spec_to_dict(spec), separators=(",", ":")),
        declared_sha256=sha256,
        declared_bytes=size,
        created_at=at,
        updated_at=at,
    )
    registry.table.put(version.to_item(), "attribute_not_exists(#pk)")
    return version, upload_url(registry, version)


def upload_url(registry: Registry, version: Version) -> str:
    """Return a presigned PUT for the version's bundle."""
    parameters = {"Bucket": registry.bucket, "Key": version.upload_key, "ContentType": ZIP}
    return registry.s3.generate_presigned_url("put_object", Params=parameters, ExpiresIn=UPLOAD_SECONDS)


def get(registry: Registry, project: str, model: str, version: int) -> Version:
    """Return one version; raises `NotFound`."""
    item = registry.table.get(*version_key(project, model, version)) if 0 < version < 10**8 else None
    if item is None:
        raise NotFound(f"{quoted(model)} has no version {version}.", "List the versions with `cote versions`.")
    return Version.from_item(item)


def all_of(registry: Registry, project: str, model: str) -> list[Version]:
    """Return a model's versions, newest first; raises `NotFound` for an unknown model."""
    models.get(registry, project, model)
    items = registry.table.query(project_pk(project), version_prefix(model), newest_first=True)
    return [Version.from_item(item) for item in items]


def delete_all(registry: Registry, project: str, model: str) -> None:
    """Delete the rows of all of a model's versions."""
    for item in registry.table.query(project_pk(project), version_prefix(model)):
        registry.table.delete((item["pk"], item["sk"]))


def mark_uploaded(registry: Registry, version: Version, sha256: str, size: int) -> Version:
    """Pin the inspected bundle's digest and size: AWAITING_UPLOAD becomes UPLOADED.

    Raises `Conflict` when another request did so first.
    """
    uploaded = replace(
        version,
        state=VersionState.UPLOADED,
        bundle_key=bundle_key(version.project, version.name, version.version),
        bundle_sha256=sha256,
        bundle_bytes=size,
        updated_at=now(),
    )
    try:
        registry.table.put(uploaded.to_item(), _AWAITING, awaiting=VersionState.AWAITING_UPLOAD)
    except ConditionFailed:
        raise Conflict(
            f"the upload of version {version.version} of {version.name} has been processed already.",
            "Read the version's state.",
        ) from None
    return uploaded


def refuse_upload(registry: Registry, version: Version, message: str) -> None:
    """End a version whose upload was refused: AWAITING_UPLOAD becomes FAILED, with the reason."""
    changes = {"state": VersionState.FAILED, "message": message, "updated_at": now()}
    try:
        registry.table.update(version.key, changes, _AWAITING, awaiting=VersionState.AWAITING_UPLOAD)
    except ConditionFailed:
        return  # Another request for the same upload ended it first, and its finding is kept.
