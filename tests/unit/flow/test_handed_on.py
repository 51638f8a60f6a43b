"""Columns that steps hand on: a number is a number where a step behind computes with it, however far behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from modelcote.core.flow import Flow, Processor, Stage
from modelcote.core.inputs import MATRIX, UNDECIDED
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import ModelType
from modelcote.flow.load import load_flow
from tests.unit.flow.described import answer, described, serve

NUMBERS = np.c_[np.random.default_rng(0).normal(size=(24, 2)), np.arange(24) % 4, np.arange(24) % 3]
KINDS = np.arange(24) // 2 % 2
DATA = {
    "float64": NUMBERS,
    "int64": np.round(NUMBERS * 3).astype("int64"),
    "float32": NUMBERS.astype("float32"),
    "object": NUMBERS.astype(object),
    "frame": pd.DataFrame(NUMBERS, columns=list("abcd")).astype({"c": "int64"}),
}
HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)


def _own(values: Any) -> Any:
    return values


def _first_two(_table: Any) -> list[int]:
    return [0, 1]


def _split(columns: Any = (0, 1)) -> ColumnTransformer:
    columns = list(columns) if isinstance(columns, tuple) else columns
    return ColumnTransformer([("scaled", StandardScaler(), columns)], remainder="passthrough")


def _then(*steps: Any) -> Any:
    return make_pipeline(_split(), *steps, LogisticRegression())


MODELS: dict[str, Callable[[], Any]] = {
    "slice": lambda: make_pipeline(_split(slice(2)), LogisticRegression()),
    "mask": lambda: make_pipeline(_split(np.array([True, True, False, False])), LogisticRegression()),
    "callable": lambda: make_pipeline(_split(_first_two), LogisticRegression()),
    "imputed": lambda: _then(SimpleImputer(strategy="most_frequent")),
    "encoded": lambda: _then(ColumnTransformer([("hot", HOT, [2, 3])], remainder="passthrough")),
    "split_again": lambda: _then(ColumnTransformer([("rest", _split([0]), [3, 1])])),
    "function": lambda: _then(FunctionTransformer()),
    "bagging": lambda: make_pipeline(_split(), BaggingClassifier(LogisticRegression(), 3, random_state=0)),
    "search": lambda: GridSearchCV(_then(), {"logisticregression__C": [1.0]}, cv=2),
}


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", MODELS)
def test_a_number_is_a_number(name: str, data: str) -> None:
    model, table = MODELS[name]().fit(DATA[data], KINDS), DATA[data]
    inputs = described(model)
    dtypes = {inputs.column(place).dtype for place in range(4)}
    assert UNDECIDED not in dtypes
    if data in ("float64", "int64"):
        assert inputs.kind == MATRIX
    sent = NUMBERS[:6].tolist() if data == "frame" else table[:6].tolist()
    predict, expected = serve(model, "predict_proba"), answer(model.predict_proba(table[:6]))
    # Without a step that keeps float32, its numbers are read as float64.
    tolerance = 1e-6 if data == "float32" else 1e-12
    assert predict(sent) == [pytest.approx(row, abs=tolerance) for row in expected]
    assert [predict([row])[0] for row in sent] == [pytest.approx(row, abs=tolerance) for row in expected]


def test_what_only_your_own_code_reads_is_undecided() -> None:
    own = ColumnTransformer([("own", FunctionTransformer(_own), [2])], remainder="passthrough")
    columns = described(make_pipeline(own, LogisticRegression()).fit(DATA["frame"], KINDS)).columns
    assert [column.dtype for column in columns] == ["float64", "float64", UNDECIDED, "float64"]


@pytest.mark.parametrize(("processor", "dtype"), [(None, "float64"), ("post", UNDECIDED)])
def test_the_stages_behind_tell_too(processor: str | None, dtype: str, tmp_path: Path) -> None:
    first = _split().fit(NUMBERS)
    joblib.dump(first, tmp_path / "split.pkl")
    joblib.dump(LogisticRegression().fit(first.transform(NUMBERS), KINDS), tmp_path / "model.pkl")
    own: Any = {processor: Processor("keep", "def keep(data, *_):\n    return data\n")} if processor else {}
    stages = (Stage(ModelType.SKLEARN_PREPROCESSOR, "split.pkl", **own), Stage(ModelType.SKLEARN, "model.pkl"))
    inputs = load_flow(tmp_path, Manifest("model", Flow(stages))).inputs
    assert inputs.column(2).dtype == dtype
