"""Reading a bundle of unknown origin: every rule of a zip before the first byte is written."""

from __future__ import annotations

import json
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelcote.core.errors import InvalidBundle
from modelcote.core.manifest import MANIFEST
from modelcote.core.texts import quoted

MAX_BYTES = 2 * 1024**3
MAX_MEMBERS = 10_000
# Deflate's own limit is about 1,030 to 1; models compress 2 to 20 to 1. Small members may be anything.
MAX_RATIO = 200
_SMALL = 1024**2
_MANIFEST_BYTES = 4 * 1024**2
_REMEDY = "Make the bundle with Conduit or `cote deploy`."


@contextmanager
def opened(path: Path, max_bytes: int = MAX_BYTES) -> Iterator[zipfile.ZipFile]:
    """Open the zip and check its directory; whatever zipfile raises while it is read becomes `InvalidBundle`."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_directory(archive, max_bytes)
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, InvalidBundle):
            raise
        raise InvalidBundle(f"the bundle is not a sound zip file: {error}.", _REMEDY) from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]  # zipfile lets it through
        raise InvalidBundle("the bundle is not a sound zip file: a member is damaged.", _REMEDY) from error


def check_directory(archive: zipfile.ZipFile, max_bytes: int = MAX_BYTES) -> None:
    """Raise `InvalidBundle` for names that leave the folder, links, devices, duplicates, bombs and encryption."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise InvalidBundle(f"the bundle has more than {MAX_MEMBERS} members.", _REMEDY)
    seen: set[str] = set()
    total = 0
    for member in members:
        _check_name(member.orig_filename)
        folded = unicodedata.normalize("NFC", member.filename).casefold().rstrip("/")
        if folded in seen:
            raise InvalidBundle(f"the bundle holds {member.filename!a} twice.", _REMEDY)
        seen.add(folded)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InvalidBundle(f"{member.filename!a} is a link or a device.", _REMEDY)
        if member.flag_bits & 0x1:
            raise InvalidBundle(f"{member.filename!a} is encrypted.", _REMEDY)
        total += member.file_size
        large = member.file_size > _SMALL
        if total > max_bytes or (large and member.file_size > MAX_RATIO * max(1, member.compress_size)):
            raise InvalidBundle(
                "the bundle unpacks to far more than it holds.", f"A bundle unpacks to at most {max_bytes:,} bytes."
            )


def _check_name(name: str) -> None:
    parts = name.rstrip("/").split("/")
    bad = (
        not name
        or len(name) > 255
        or name.startswith("/")
        or "\\" in name
        or ":" in name
        or any(part in ("", ".", "..") for part in parts)
        or any(unicodedata.category(character).startswith("C") for character in name)
    )
    if bad:
        raise InvalidBundle(f"the member name {quoted(name, 80)} is not allowed.", _REMEDY)


def unpack(path: Path, folder: Path, max_bytes: int = MAX_BYTES) -> None:
    """Extract a bundle into `folder`, which it cannot leave; raises `InvalidBundle`."""
    with opened(path, max_bytes) as archive:
        archive.extractall(folder)


def raw_manifest(archive: zipfile.ZipFile) -> Any:
    """Return `conduit.json` unparsed into a manifest; raise `InvalidBundle` if it is missing, too large or not JSON."""
    try:
        member = archive.getinfo(MANIFEST)
    except KeyError:
        raise InvalidBundle(f"the bundle has no {MANIFEST}.", _REMEDY) from None
    if member.file_size > _MANIFEST_BYTES:
        raise InvalidBundle(f"{MANIFEST} is larger than {_MANIFEST_BYTES:,} bytes.", _REMEDY)
    try:
        return json.loads(archive.read(member))
    except (ValueError, RecursionError) as error:
        raise InvalidBundle(f"{MANIFEST} is not JSON.", _REMEDY) from error
