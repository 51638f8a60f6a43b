"""Digests of files."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Return the file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_base64(sha256: str) -> str:
    """Return a hexadecimal digest as Lambda reports it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()
