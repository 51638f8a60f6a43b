"""A slice of `make search`: whatever is compiled answers the same on rows that the comparison at deploy never saw."""

from __future__ import annotations

import warnings

import pytest

from tests.search.judge import judge
from tests.search.shapes import Shape, shapes

ALL = shapes()


@pytest.mark.parametrize("shape", ALL[7::101], ids=lambda shape: shape.name)
def test_a_shape_is_equal_if_it_is_compiled(shape: Shape) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries warn of tiny models
        verdict = judge(shape)
    assert verdict.equal, verdict.reason


def test_the_search_covers_what_it_promises() -> None:
    assert len(ALL) == len({shape.name for shape in ALL}) >= 1000
    assert len({shape.estimator for shape in ALL}) >= 150
    assert {shape.scale for shape in ALL} >= {1e-9, 1.0, 1e9}
