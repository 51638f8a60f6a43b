"""Reading UBJSON (ubjson.org, draft 12) as XGBoost writes it: objects, texts and numbers; typed arrays are skipped."""

from __future__ import annotations

import struct
from typing import Any

_FIXED = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q", b"d": ">f", b"D": ">d"}
_CONSTANTS = {b"Z": None, b"T": True, b"F": False}
_MAX_DEPTH = 64
_MAX_VALUES = 2_000_000


class Truncated(ValueError):
    """The data ends inside of a value."""


def read_ubjson(data: bytes) -> Any:
    """Return the value that `data` holds to its last byte, arrays of one type as None; raise `ValueError`."""
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.position != len(data):
        raise ValueError("bytes follow the model")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.position, self.values = data, 0, 0

    def take(self, size: int) -> bytes:
        end = self.position + size
        if size < 0:
            raise ValueError("a length below zero")
        if end > len(self.data):
            raise Truncated("truncated")
        part, self.position = self.data[self.position : end], end
        return part

    def value(self, kind: bytes, depth: int) -> Any:
        self.values += 1
        if depth > _MAX_DEPTH or self.values > _MAX_VALUES:
            raise ValueError("nested too deep, or too many values")
        if kind in _FIXED:
            return struct.unpack(_FIXED[kind], self.take(struct.calcsize(_FIXED[kind])))[0]
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == b"S":
            return self.text()
        if kind == b"{":
            return self.object(depth)
        if kind == b"[":
            return self.array(depth)
        raise ValueError("an unknown type")

    def text(self) -> str:
        return self.take(self.count()).decode("utf-8")

    def count(self) -> int:
        kind = self.take(1)
        if kind not in (b"i", b"U", b"I", b"l", b"L"):
            raise ValueError("a length that is not an integer")
        number: int = self.value(kind, 0)
        return number

    def object(self, depth: int) -> dict[str, Any]:
        content = {}
        while self.data[self.position : self.position + 1] != b"}":
            name = self.text()
            content[name] = self.value(self.take(1), depth + 1)
        self.take(1)
        return content

    def array(self, depth: int) -> Any:
        if self.data[self.position : self.position + 1] == b"$":
            _, kind, sign = self.take(1), self.take(1), self.take(1)
            if kind not in _FIXED or sign != b"#":
                raise ValueError("an array of an unknown type")
            self.take(self.count() * struct.calcsize(_FIXED[kind]))
            return None
        if self.data[self.position : self.position + 1] == b"#":
            self.take(1)
            return [self.value(self.take(1), depth + 1) for _ in range(self.count())]
        content = []
        while (kind := self.take(1)) != b"]":
            content.append(self.value(kind, depth + 1))
        return content
