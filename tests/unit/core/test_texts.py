"""Words of others in our messages: short, whole, and without what a caller cannot use."""

from __future__ import annotations

import pytest

from modelcote.core.texts import first_line, quoted, shortened


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two ..."),
        ("one two three", 11, "one two ..."),
        ("one two three", 10, "one ..."),
        ("onetwothree", 10, "onetwo ..."),
        ("", 5, ""),
    ],
)
def test_no_word_is_cut(text: str, limit: int, short: str) -> None:
    assert shortened(text, limit) == short
    assert len(short) <= limit


def test_a_value_is_shown_in_ascii() -> None:
    assert quoted("naïve") == "'na\\xefve'"
    assert quoted("x" * 99, 20) == "'" + "x" * 15 + " ..."


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("could not convert string to float: 'x'", "could not convert string to float: 'x'"),
        ("[18:03:17] /workspace/src/common/json.cc:409: Expecting: a\nStack trace:\n [bt] (0)", "Expecting: a"),
        ("[ONNXRuntimeError] : 10 : INVALID_GRAPH : Load /tmp/x-1/m.onnx: bad.", "Load m.onnx: bad"),
        ("No such file: '/tmp/modelcote-abc/bundle/m.pkl'", "No such file: 'm.pkl'"),
        ("\n\n  second. \nthird", "second"),
        ("1/2 of a/b", "1/2 of a/b"),
        ("", ""),
    ],
)
def test_what_an_exception_says(said: str, line: str) -> None:
    assert first_line(ValueError(said), 200) == line
