"""The byte streams inside an artifact: compressed ones are opened, within bounds."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any

from modelcote.bundle.refusals import truncated
from modelcote.core.errors import InvalidBundle

MAX_BYTES = 1024**3
MAX_LAYERS = 4
_CHUNK = 64 * 1024


def is_compressed(data: bytes) -> bool:
    """Tell whether a stream starts as one of the compressions of joblib and pickle files."""
    return _opener(data) is not None


def _opener(data: bytes) -> Any:
    if data.startswith(b"\x1f\x8b"):
        return lambda: zlib.decompressobj(wbits=31)
    if data.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    if data.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
        return lzma.LZMADecompressor
    if len(data) > 1 and data[0] == 0x78 and (data[0] * 256 + data[1]) % 31 == 0:
        return zlib.decompressobj
    return None


def decompress(data: bytes, limit: int = MAX_BYTES) -> bytes:
    """Return the content of a compressed artifact, all its layers opened and its concatenated members joined.

    Raises `InvalidBundle` for more than `limit` bytes, more than four layers, or a damaged stream.
    """
    for _ in range(MAX_LAYERS):
        if not is_compressed(data):
            return data
        data = _open_layer(data, limit)
    if is_compressed(data):
        raise InvalidBundle("is compressed many times over.", "Save the model once, compressed or not.")
    return data


def _open_layer(data: bytes, limit: int) -> bytes:
    content = bytearray()
    while data:
        opener = _opener(data)
        if opener is None:
            # Plain bytes behind a compressed member are kept: nothing may hide there.
            content += data
            break
        data = _inflate(opener(), data, content, limit)
    return bytes(content)


def _inflate(stream: Any, data: bytes, content: bytearray, limit: int) -> bytes:
    """Add one member's content, from a decompressor, to `content`; return the bytes that follow it."""
    position = 0
    try:
        while not stream.eof:
            chunk = data[position : position + _CHUNK]
            if not chunk:
                raise truncated()
            position += len(chunk)
            content += stream.decompress(chunk)
            if len(content) > limit:
                raise InvalidBundle(f"unpacks to more than {limit:,} bytes.", "Save a smaller model.")
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        raise InvalidBundle("is compressed, and damaged.", "Save and upload the model again.") from error
    rest: bytes = stream.unused_data + data[position:]
    return rest
