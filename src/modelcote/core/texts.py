"""Texts of others in our messages: short enough to be read, and never cut within a word."""

from __future__ import annotations

import re

# What C++ libraries put before their messages: XGBoost's time and source line, onnxruntime's name, number and code.
_PREFIX = re.compile(r"^(?:\[\d\d:\d\d:\d\d\] \S+:\d+: |\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : )+")
_PATHS = re.compile(r"(?<![\w/.])/(?:[\w.+~-]+/)+(?=[\w.+~-]*)")


def shortened(text: str, limit: int) -> str:
    """Return the text, or its first whole words with ` ...`, in at most `limit` characters.

    One word that is longer than that is cut all the same.
    """
    if len(text) <= limit:
        return text
    start = text[: limit - 4]
    if not text[limit - 4].isspace():
        words, space, _ = start.rpartition(" ")
        start = words if space else start
    return f"{start.rstrip()} ..."


def quoted(value: object, limit: int = 60) -> str:
    """Return the value in ASCII and quotes, as it is shown in a message."""
    text = ascii(value)
    return text if len(text) <= limit else f"{text[: limit - 4]} ..."


def first_line(error: BaseException, limit: int) -> str:
    """Return what an exception says: its first line, without folders of paths, source lines and the full stop."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return shortened(_PATHS.sub("", _PREFIX.sub("", line)).rstrip(". "), limit)
