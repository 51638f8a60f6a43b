"""A strict reader for JSON from strangers, the same for the gateway and the control API.

It refuses, with `MalformedJson`: anything but JSON (RFC 8259) in UTF-8, NaN and Infinity, numbers that no double can
hold, duplicate keys, NUL and lone surrogates in strings (escaped ones too), and nesting deeper than 200.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, NoReturn

from modelcote.core.errors import MalformedJson
from modelcote.core.texts import quoted

MAX_DEPTH = 200
_MAX_DIGITS = 308  # The largest double has 309; no honest integer has nearly as many.
# Possessive, and without need of a closing quote, so that the time stays linear for any input.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_UNCLEAN = re.compile("[\x00\ud800-\udfff]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SQUARE = bytes.maketrans(b"{}", b"[]")
_STEPS = bytes.maketrans(b"[]", b"\x01\xff")  # As signed bytes: one level down, one up.
_PEELED = 3
_REMEDY = "Send strict JSON in UTF-8; null for a missing value, not NaN."
_UNCLEAN_TEXT = "a string contains NUL or half a surrogate pair.", "Send whole Unicode characters other than U+0000."
# What Python, numpy and JavaScript write for values that JSON has not.
_CONSTANT = re.compile(r"-?(?:NaN|nan|Infinity|inf)\b|(?:None|NA|undefined)\b")
# Words of orjson's messages -> our sentence and remedy.
_SENTENCES = {
    "surrogate": _UNCLEAN_TEXT,
    "infinity when parsed": ("a number is too large for a double.", "Send numbers up to 1.7e308."),
}


def loads(body: bytes, fast: Callable[[bytes], Any] | None = None) -> Any:
    """Return the value of a JSON text; raise `MalformedJson`.

    `fast` is a parser that already refuses all of the above except duplicate keys, NUL and depth (orjson does); its
    value is returned where the text can contain none of these, without a second reading.
    """
    if not body.strip(b" \t\r\n"):
        raise MalformedJson("the body is empty.", "Send a JSON text.")
    if fast is None:
        _check_depth(body)
        return _read(body, numbers=True)
    try:
        value = fast(body)
    except ValueError as error:
        raise _malformed(body, error) from error
    _check_depth(body)
    return _read(body, numbers=False) if b"{" in body or b"\\u" in body else value


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", body).translate(_SQUARE, _NOT_BRACKETS)
    # A table is two or three deep: peeling its innermost pairs is far faster than counting, which does the rest.
    for _ in range(_PEELED):
        brackets = brackets.replace(b"[]", b"")
    steps = array("b", brackets.translate(_STEPS))
    if max(accumulate(steps), default=0) + _PEELED > MAX_DEPTH:
        raise MalformedJson(f"the body is nested deeper than {MAX_DEPTH}.", "Send flatter data.")


def _read(body: bytes, *, numbers: bool) -> Any:
    try:
        text = body.decode()
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float if numbers else None,
            parse_int=_int if numbers else None,
        )
    except (ValueError, RecursionError) as error:
        raise _malformed(body, error) from error
    if "\\u" in text and any(map(_UNCLEAN.search, _strings(value))):
        raise MalformedJson(*_UNCLEAN_TEXT)
    return value


def _malformed(body: bytes, error: Exception) -> MalformedJson:
    """Return our own sentence for what a parser says."""
    _check_depth(body)  # A parser may run out of its memory first.
    try:
        text = body.decode()
    except UnicodeDecodeError as unreadable:
        return MalformedJson(f"the body is not UTF-8: byte {unreadable.start}.", "Send strict JSON in UTF-8.")
    if not isinstance(error, json.JSONDecodeError):
        return MalformedJson("the body is not JSON.", _REMEDY)
    for word, sentence in _SENTENCES.items():
        if word in error.msg:
            return MalformedJson(*sentence)
    where = f"line {error.lineno}, column {error.colno}"
    # orjson points behind a sign.
    constant = _CONSTANT.match(text, error.pos - (text[: error.pos][-1:] == "-"))
    if constant:
        return MalformedJson(f"{constant[0]} is not JSON: {where}.", "Send null for a missing value.")
    return MalformedJson(f"the body is not JSON: {error.msg.removesuffix(' at').lower()}: {where}.", _REMEDY)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        left = dict(members)
        duplicate = next(key for key, _ in pairs if left.pop(key, pairs) is pairs)
        raise MalformedJson(f"duplicate key {quoted(duplicate)}.", "Send each key once.")
    return members


def _constant(name: str) -> NoReturn:
    raise MalformedJson(f"{name} is not JSON.", "Send null for a missing value.")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise MalformedJson(f"the number {text[:40]} is too large for a double.", "Send numbers up to 1.7e308.")
    return value


def _int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise MalformedJson(f"an integer has {len(text)} digits.", "Send numbers up to 1.7e308.")
    return int(text)


def _strings(value: Any) -> Iterator[str]:
    """Yield every string in the value, keys too; without recursion."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
