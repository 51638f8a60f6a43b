"""Making a bundle: a zip that is the same for the same inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelcote.bundle.zips import tree, write_zip
from modelcote.core.digests import file_sha256
from modelcote.core.errors import InvalidBundle
from modelcote.core.manifest import MANIFEST, REQUIREMENTS, Manifest, manifest_to_dict
from modelcote.core.spec import CPU, MEMORY_GB, ModelSpec

VERSION = "1"


@dataclass(frozen=True)
class BundleInfo:
    """A bundle on disk: its sha256 in hexadecimal and its size in bytes."""

    path: Path
    sha256: str
    bytes: int


def make_bundle(spec: ModelSpec, manifest: Manifest, files: Mapping[str, Path], out: Path) -> BundleInfo:
    """Write the bundle of `files` (name in the zip -> file or folder) to `out`. Raises `InvalidBundle`."""
    members: dict[str, Path | bytes] = dict(_members(files))
    # What serving reads, and what the Conduit interface has there besides.
    content = {
        **manifest_to_dict(manifest),
        "hardware": spec.hardware.value,
        "python_version": spec.python_version,
        "cpu": spec.cpu or CPU[2],
        "memory": spec.memory or MEMORY_GB[2],
        "version": VERSION,
    }
    members[MANIFEST] = json.dumps(content, sort_keys=True, indent=1).encode()
    if spec.requirements:
        members[REQUIREMENTS] = "".join(f"{line}\n" for line in spec.requirements).encode()
    write_zip(out, members.items())
    return BundleInfo(out, file_sha256(out), out.stat().st_size)


def _members(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    for name, path in files.items():
        if path.is_dir():
            yield from tree(path, f"{name}/")
        elif path.is_file():
            yield name, path
        else:
            raise InvalidBundle(f"there is no file {path}.", "Give the path of a saved model.")
