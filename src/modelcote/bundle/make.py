"""Making a bundle: a zip that is the same for the same inputs."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelcote.core.errors import InvalidBundle
from modelcote.core.manifest import MANIFEST, REQUIREMENTS, Manifest, manifest_to_dict
from modelcote.core.spec import CPU, MEMORY_GB, ModelSpec

_EPOCH = (1980, 1, 1, 0, 0, 0)  # The earliest time that a zip can hold.
_MODE = 0o100644
VERSION = "1"


@dataclass(frozen=True)
class BundleInfo:
    """A bundle on disk: its sha256 in hexadecimal and its size in bytes."""

    path: Path
    sha256: str
    bytes: int


def make_bundle(spec: ModelSpec, manifest: Manifest, files: Mapping[str, Path], out: Path) -> BundleInfo:
    """Write the bundle of `files` (name in the zip -> file or folder) to `out`. Raises `InvalidBundle`."""
    members = dict(_members(files))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        _write(archive, MANIFEST, json.dumps(manifest_file(spec, manifest), sort_keys=True, indent=1).encode())
        if spec.requirements:
            _write(archive, REQUIREMENTS, "".join(f"{line}\n" for line in spec.requirements).encode())
        for name in sorted(members):
            _write(archive, name, members[name].read_bytes())
    return describe(out)


def describe(path: Path) -> BundleInfo:
    """The digest and the size of a bundle."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BundleInfo(path, digest, path.stat().st_size)


def manifest_file(spec: ModelSpec, manifest: Manifest) -> dict[str, Any]:
    """`conduit.json` as it is written: what serving reads, and what the Conduit interface has there besides."""
    return {
        **manifest_to_dict(manifest),
        "hardware": spec.hardware.value,
        "python_version": spec.python_version,
        "cpu": spec.cpu or CPU[2],
        "memory": spec.memory or MEMORY_GB[2],
        "version": VERSION,
    }


def _members(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    for name, path in files.items():
        if path.is_dir():
            yield from ((f"{name}/{one.relative_to(path).as_posix()}", one) for one in path.rglob("*") if one.is_file())
        elif path.is_file():
            yield name, path
        else:
            raise InvalidBundle(f"there is no file {path}.", "Give the path of a saved model.")


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = _MODE << 16
    archive.writestr(info, content)
