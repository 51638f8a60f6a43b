"""When two results are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelcote.compile.compare import TOLERANCE, compare

NUMBERS = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 3)), elements=st.floats(allow_nan=True))


@given(NUMBERS, st.sampled_from(["shares", "numbers"]))
def test_a_result_equals_itself(result: Any, kind: str) -> None:
    assert compare(result, result.copy(), kind).row is None


@given(st.integers(0, 5), st.floats(2 * TOLERANCE, 1.0), st.sampled_from(["shares", "numbers"]))
def test_a_larger_difference_is_found_in_its_row(row: int, by: float, kind: str) -> None:
    expected = np.ones((6, 2))
    got = expected.copy()
    got[row, 1] += by
    found = compare(expected, got, kind)
    assert found.row == row
    assert found.largest == pytest.approx(by)


@pytest.mark.parametrize(
    ("expected", "got", "kind", "equal"),
    [
        ([0.5], [0.5 + 9e-6], "shares", True),
        ([0.5], [0.5 + 2e-5], "shares", False),
        ([1e6], [1e6 + 5], "numbers", True),
        ([1e6], [1e6 + 50], "numbers", False),
        ([1e-9], [2e-9], "numbers", False),  # small numbers are numbers too
        ([1.0, 2.0, 1e-12], [1.0, 2.0, 2e-12], "numbers", True),  # a zero crossing among larger ones
        ([np.nan, 1.0], [np.nan, 1.0], "numbers", True),
        ([np.nan, 1.0], [0.0, 1.0], "numbers", False),
        ([1.0, 1.0], [np.nan, 1.0], "shares", False),
        (["a", "b"], ["a", "b"], "labels", True),
        (["a", "b"], ["a", "c"], "labels", False),
        ([1, 2], [1.0, 2.0], "labels", True),
        ([1.0, 2.0], [1.0, 2.0 + 1e-9], "labels", False),
        ([[1.0]], [1.0], "numbers", False),
    ],
)
def test_what_is_equal(expected: list[Any], got: list[Any], kind: str, equal: bool) -> None:
    assert (compare(np.array(expected), np.array(got), kind).row is None) is equal


def test_the_first_of_several_arrays_that_differs_is_reported() -> None:
    one, other = np.zeros((3, 2)), np.zeros((3, 2))
    other[2, 0] = 0.25
    assert compare([one, one], [one, other], "shares").row == 2
    assert compare([one, one], [one], "shares").row == 0
    assert compare([one, one], [one, one], "shares").row is None
