"""What a model refuses, its compiled form refuses too; what it takes, the form takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from modelcote.core.errors import InvalidInput
from modelcote.core.runtimes import ModelType
from modelcote.flow.column_limits import ColumnLimits, check_numbers, column_limits_from_dict
from modelcote.flow.compiled import MISSING_TEXT
from modelcote.flow.load import LoadedFlow
from tests.support.equal import difference
from tests.unit.compile.support import answer, compiled, load_form, pickled

IRIS = load_iris(return_X_y=True)


def both(folder: Path, model: Any) -> tuple[LoadedFlow, LoadedFlow]:
    flow = pickled(folder, ModelType.SKLEARN_CLASSIFIER, model)
    original, report = compiled(folder, flow)
    assert report.used, report.reason
    return original, load_form(folder, flow, original, report)


def test_a_model_without_missing_values_refuses_null(tmp_path: Path) -> None:
    original, form = both(tmp_path, LogisticRegression(max_iter=1000).fit(*IRIS))
    with pytest.raises(ValueError, match="NaN"):
        original.predict([[5.1, None, 1.4, 0.2]])
    with pytest.raises(InvalidInput, match="row 1, column 1 is null") as caught:
        form.predict([[5.1, 3.5, 1.4, 0.2], [5.1, None, 1.4, 0.2]])
    assert caught.value.extra == {"row": 1, "column": 1}


def test_a_model_with_missing_values_takes_null(tmp_path: Path) -> None:
    original, form = both(tmp_path, HistGradientBoostingClassifier(max_iter=10).fit(*IRIS))
    rows = [[None, None, None, None], [5.1, None, 1.4, 0.2]]
    assert difference(answer(form, rows), answer(original, rows)) <= 1e-7


def test_a_forest_refuses_what_float32_cannot_hold(tmp_path: Path) -> None:
    original, form = both(tmp_path, RandomForestClassifier(5, random_state=0).fit(*IRIS))
    rows = [[1e39, 3.5, 1.4, 0.2]]
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="too large"):
        original.predict(rows)
    with pytest.raises(InvalidInput, match="row 0, column 0 is too large"):
        form.predict(rows)
    assert difference(answer(form, [[1e38, 3.5, 1.4, 0.2]]), answer(original, [[1e38, 3.5, 1.4, 0.2]])) == 0


def decks(folder: Path, encoder: OneHotEncoder) -> tuple[LoadedFlow, LoadedFlow]:
    frame = pd.DataFrame({"deck": ["A", "B", "C", "A"] * 5, "age": np.arange(20.0)})
    encode = ColumnTransformer([("deck", encoder, ["deck"])], remainder="passthrough")
    return both(folder, make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(frame, [0, 1, 1, 0] * 5))


def test_an_encoder_without_unknowns_refuses_them(tmp_path: Path) -> None:
    original, form = decks(tmp_path, OneHotEncoder())
    assert difference(answer(form, [["B", 3.0]]), answer(original, [["B", 3.0]])) <= 1e-7
    for rows, said in (
        ([["A", 1.0], ["Z", 3.0]], "row 1, column 0 is 'Z', which the model has not seen"),
        ([[None, 3.0]], "row 0, column 0 is null"),
    ):
        with pytest.raises(ValueError, match="unknown categories"):
            original.predict(rows)
        with pytest.raises(InvalidInput, match=said):
            form.predict(rows)


def test_an_encoder_with_unknowns_takes_them(tmp_path: Path) -> None:
    original, form = decks(tmp_path, OneHotEncoder(handle_unknown="ignore"))
    for rows in ([["Z", 3.0]], [[None, 3.0]], [["", 3.0], ["C", 1.0]], [{"age": 2, "deck": "A"}]):
        assert difference(answer(form, rows), answer(original, rows)) <= 1e-7


def test_the_text_that_stands_for_null_is_refused(tmp_path: Path) -> None:
    _, form = decks(tmp_path, OneHotEncoder(handle_unknown="ignore"))
    with pytest.raises(InvalidInput, match="has for null"):
        form.predict([[MISSING_TEXT, 1.0]])


def test_a_text_among_numbers_is_refused(tmp_path: Path) -> None:
    _, form = decks(tmp_path, OneHotEncoder(handle_unknown="ignore"))
    with pytest.raises(InvalidInput, match="row 0, column 1 is a text where the model expects a number"):
        form.predict([["A", "old"]])
    with pytest.raises(InvalidInput, match="row 0, column 0 is a number where the model expects a text"):
        form.predict([[1.5, 3.0]])


def test_limits_survive_the_manifest() -> None:
    limits = ColumnLimits((1, 2), (0,), {3: frozenset({"a", "b"}), 4: frozenset({1.0, 2.5})})
    assert column_limits_from_dict(limits.to_dict()) == limits
    assert column_limits_from_dict({}) == ColumnLimits()


def test_known_numbers_are_checked() -> None:
    limits = ColumnLimits(allowed={7: frozenset({1.0, 2.0})})
    check_numbers(np.array([[1.0], [np.nan]]), (7,), limits)
    with pytest.raises(InvalidInput, match=r"column 7 is 1\.5"):
        check_numbers(np.array([[1.0], [1.5]]), (7,), limits)
