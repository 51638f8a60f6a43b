"""Which models of the zoo are compiled, and that every form of each answers what its own library answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcote.core.manifest import COMPILED
from tests.support.equal import difference
from tests.unit.compile.support import answer, compiled, flow_of, load_form
from tests.zoo import ZOO

# What the deploy log says of those that are served as they are. Every other model of the zoo is compiled.
AS_IT_IS = {
    "log_target": "Unable to find a shape calculator for type '<class 'sklearn.compose._target.TransformedTarget",
    "text_counts": "models with texts as input are not compiled",
    "text_tfidf": "models with texts as input are not compiled",
}


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_form_answers_the_same(name: str, tmp_path: Path) -> None:
    built = ZOO[name].build(tmp_path)
    flow = flow_of(built.flow)
    original, report = compiled(tmp_path, flow, built.rows)

    assert difference(answer(original, built.rows), built.expected) <= 1e-7
    assert report.used == (name not in AS_IT_IS), report.reason
    assert (tmp_path / COMPILED).exists() == report.used
    if not report.used:
        assert AS_IT_IS[name] in report.reason
        assert "\n" not in report.reason
        return
    form = load_form(tmp_path, flow, original, report)
    assert difference(answer(form, built.rows), built.expected) <= 1e-6
    for row, expected in zip(built.rows, built.expected, strict=False):
        if name != "multi_output":  # its results are by output, not by row
            assert difference(answer(form, [row]), [expected]) <= 1e-6
    assert report.rows >= 200 + len(built.rows)
    assert {feed.dtype for feed in report.feeds} - {"str"} == {"float64"}


def test_the_zoo_is_as_large_as_promised() -> None:
    assert len(ZOO) >= 28
    assert len(ZOO) - len(AS_IT_IS) >= 40


@pytest.mark.parametrize(
    "name", ["random_forest", "extra_trees", "decision_tree", "forest_targets", "bagging_regressor", "hist_boosting"]
)
def test_trees_are_exact(name: str, tmp_path: Path) -> None:
    flow = flow_of(ZOO[name].build(tmp_path).flow)
    _, report = compiled(tmp_path, flow)
    # The runtime returns the leaves' sum as float32, so half a unit in its last place is all that may be lost.
    assert report.max_difference <= 6e-8
