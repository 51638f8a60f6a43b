"""Zips that are the same bytes for the same files: their digest is what Lambda and the registry compare."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable
from operator import itemgetter
from pathlib import Path
from typing import IO

# A file, its content, or a function that opens it.
Content = Path | bytes | Callable[[], IO[bytes]]
_EPOCH = (1980, 1, 1, 0, 0, 0)  # The earliest time that a zip can hold.
_READABLE, _EXECUTABLE = 0o100644, 0o100755
_CHUNK = 1 << 20


def write_zip(out: Path, members: Iterable[tuple[str, Content]]) -> Path:
    """Write `(name in the zip, content)` pairs, sorted by name. The zip appears whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, content in sorted(members, key=itemgetter(0)):
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                executable = isinstance(content, Path) and content.stat().st_mode & 0o100
                info.external_attr = (_EXECUTABLE if executable else _READABLE) << 16
                with _opened(content) as source, archive.open(info, "w") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return out


def _opened(content: Content) -> IO[bytes]:
    match content:
        case Path():
            return content.open("rb")
        case bytes():
            return io.BytesIO(content)
        case _:
            return content()


def tree(folder: Path, prefix: str = "") -> list[tuple[str, Path]]:
    """Return the files under a folder with their names in a zip, under `prefix`."""
    return [
        (f"{prefix}{path.relative_to(folder).as_posix()}", path) for path in sorted(folder.rglob("*")) if path.is_file()
    ]
