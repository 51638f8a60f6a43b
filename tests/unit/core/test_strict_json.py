"""Strict JSON: one rule, whichever parser reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcote.core.errors import MalformedJson
from modelcote.core.strict_json import MAX_DEPTH, loads

READERS = [pytest.param(None, id="standard"), pytest.param(orjson.loads, id="orjson")]
Fast = Callable[[bytes], Any] | None


def nested(depth: int, opening: bytes = b"[", inner: bytes = b"", closing: bytes = b"]") -> bytes:
    return opening * depth + inner + closing * depth


REFUSED = {
    "empty": b"",
    "white space": b" \r\n\t",
    "words": b"not json",
    "truncated": b"[[1, 2",
    "two values": b"[1] [2]",
    "trailing comma": b"[1,]",
    "single quotes": b"['a']",
    "comment": b"[1] // x",
    "leading zero": b"[01]",
    "byte order mark": b"\xef\xbb\xbf[1]",
    "UTF-16": "[1]".encode("utf-16"),
    "NaN": b"[NaN]",
    "Infinity": b'{"a": Infinity}',
    "-Infinity": b"[[-Infinity]]",
    "duplicate": b'{"a":1,"a":2}',
    "duplicate by escape": b'{"a":1,"\\u0061":2}',
    "duplicate deep": b'[[{"b":{"a":1,"c":2,"a":1}}]]',
    "duplicate empty": b'{"":1,"":1}',
    "deep lists": nested(10_000),
    "deep objects": nested(10_000, b'{"a":', b"1", b"}"),
    "one too deep": nested(MAX_DEPTH + 1),
    "one too deep beside others": b"[[1],[[2]],{}," + nested(MAX_DEPTH, b'[{"a":', b"[]", b"}]") + b"]",
    "never closed": b"[" * 300_000,
    "1e400": b"[1e400]",
    "-1e400": b"[-1e400]",
    "long integer": b"[" + b"9" * 5_000 + b"]",
    "long negative integer": b'{"a":-' + b"9" * 5_000 + b"}",
    "400 digits": b"[" + b"9" * 400 + b"]",
    "lone surrogate": b'["\\ud800"]',
    "lone low surrogate": b'["\\udc00"]',
    "surrogates reversed": b'["\\udc00\\ud800"]',
    "surrogate in a key": b'{"\\ud800":1}',
    "surrogate in bytes": b'["\xed\xa0\x80"]',
    "NUL": b'["\x00"]',
    "escaped NUL": b'["\\u0000"]',
    "escaped NUL in a key": b'[{"a\\u0000":1}]',
    "escaped NUL at the top": b'"\\u0000"',
    "invalid UTF-8": b'["\xff"]',
    "overlong": b'["\xc0\xaf"]',
    "cut character": b'["\xe2\x82"]',
    "a quote that never ends": b'["' + b'\\"' * 200_000,
}


@pytest.mark.parametrize("fast", READERS)
@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, fast: Fast) -> None:
    with pytest.raises(MalformedJson) as caught:
        loads(REFUSED[case], fast)
    assert len(caught.value.detail) < 300
    assert caught.value.remedy


TAKEN = {
    "matrix": b" [[1, 2.5, null, true], [-0.0, 1e-400, 5E+3, false]]\n",
    "objects": b'[{"a": {"b": [1]}, "c": []}, {}]',
    "just deep enough": nested(MAX_DEPTH),
    "deep enough beside others": b"[[1],[[2]],{}," + nested(MAX_DEPTH - 1) + b"]",
    "many shallow": b"[" + b"[],{}," * 5_000 + b"1]",
    "brackets in strings": b'["' + b"[" * 1_000 + b'", "\\"' + b"{" * 1_000 + b'"]',
    "a backslash before u0000": b'["\\\\u0000"]',
    "escapes": b'["\\u00e9\\ud83d\\ude00\\n\\u0001"]',
    "same key in two objects": b'[{"a":1},{"a":1}]',
    "number": b"7",
    "null": b"null",
}


@pytest.mark.parametrize("fast", READERS)
@pytest.mark.parametrize("case", TAKEN)
def test_taken_as_it_is(case: str, fast: Fast) -> None:
    assert loads(TAKEN[case], fast) == json.loads(TAKEN[case])


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.booleans())
def test_every_clean_value_comes_back(value: Any, ascii_only: bool, with_orjson: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    fast = orjson.loads if with_orjson else None
    assert loads(text.encode(), fast) == value


@given(st.binary() | st.text(alphabet='[]{}",:\\u0d8ce1.+-Nafinty \x00').map(str.encode))
def test_anything_is_a_value_or_our_error_and_both_readers_agree(body: bytes) -> None:
    results = []
    for fast in (None, orjson.loads):
        try:
            results.append(("value", loads(body, fast)))
        except MalformedJson:
            results.append(("refused", None))
    assert results[0] == results[1]


@pytest.mark.parametrize("fast", READERS)
@pytest.mark.parametrize(
    ("body", "detail", "remedy"),
    [
        (b"[[NaN, 1.0]]", "NaN is not JSON", "null"),
        (b'{"a": -Infinity}', "-Infinity is not JSON", "null"),
        (b"[Infinity]", "Infinity is not JSON", "null"),
        (b"[None]", "None is not JSON", "null"),
        (b"[undefined]", "undefined is not JSON", "null"),
        (b'["NaN", nan]', "nan is not JSON", "null"),
        (b"[1,", "the body is not JSON: ", "strict JSON"),
        (b"['a']", "the body is not JSON: ", "strict JSON"),
        (b'["\xff"]', "the body is not UTF-8: byte 2", "UTF-8"),
        (b'["\\ud800"]', "a string contains NUL or half a surrogate pair", "Unicode"),
        (b"[1e999]", "too large for a double", "1.7e308"),
        (b"[" * 3000, "nested deeper than 200", "flatter"),
    ],
)
def test_what_is_wrong_and_what_to_send(body: bytes, detail: str, remedy: str, fast: Fast) -> None:
    with pytest.raises(MalformedJson) as caught:
        loads(body, fast)
    assert detail in caught.value.detail
    assert remedy in caught.value.remedy
    assert caught.value.detail.endswith(".")
    assert not caught.value.detail.endswith(("'.", ").", "..", " ."))
