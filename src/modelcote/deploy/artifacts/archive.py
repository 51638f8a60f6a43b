"""Zips that are the same bytes for the same files: their digest is what Lambda and the registry compare."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # The earliest that a zip can say.
_READABLE, _EXECUTABLE = 0o100644, 0o100755


def write_zip(out: Path, files: Iterable[tuple[str, Path]], level: int = 6) -> Path:
    """Writes `(name in the zip, file)` pairs, sorted; `level` is zlib's. The zip appears whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
            for name, path in sorted(files):
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                mode = _EXECUTABLE if path.stat().st_mode & 0o100 else _READABLE
                info.external_attr = mode << 16
                with archive.open(info, "w") as target, path.open("rb") as source:
                    while chunk := source.read(1 << 20):
                        target.write(chunk)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return out


def tree(folder: Path, prefix: str = "") -> list[tuple[str, Path]]:
    """The files under a folder with their names in a zip, under `prefix`."""
    return [
        (f"{prefix}{path.relative_to(folder).as_posix()}", path) for path in sorted(folder.rglob("*")) if path.is_file()
    ]


def sha256(path: Path) -> bytes:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def sha256_base64(path: Path) -> str:
    """The digest as Lambda reports it."""
    return base64.b64encode(sha256(path)).decode()
