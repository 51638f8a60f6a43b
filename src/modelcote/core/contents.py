"""What a file is, by its first bytes: models are read by what they contain, whatever their names end in."""

from __future__ import annotations

import re

PICKLE, XGBOOST, ONNX, TEXT = "a pickle", "an XGBoost model", "an ONNX model", "text"
# In this order. Both of XGBoost's formats, JSON and binary JSON (UBJ), start with an object; no pickle does.
_STARTS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"version https://git-lfs", "a pointer of Git LFS, not the file that it points to"),
        (rb"\s*\{", XGBOOST),
        (rb"\s*<(?i:!doctype|html|\?xml)", "a web page or XML"),
        (rb"PK\x03\x04", "a zip, as PyTorch and Keras write it"),
        (rb"\x89HDF\r\n", "an HDF5 file, as Keras writes it"),
        (rb"PAR1", "a Parquet file"),
        (rb"\x80[\x02-\x05]|[(]?[cild]", PICKLE),
        # ModelProto.ir_version, a small number, is first.
        (rb"\x08[\x01-\x20][\x12\x3a\x42\x1a\x22\x2a\x32]", ONNX),
        (rb"[\x09\x0a\x0d\x20-\x7e]{4}", TEXT),
    )
)


def content_of(head: bytes) -> str:
    """Return what a file with these first bytes is, such as `PICKLE`; empty where they do not tell."""
    return next((name for pattern, name in _STARTS if pattern.match(head)), "")
