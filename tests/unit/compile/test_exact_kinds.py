"""Kinds of models whose converted form differed on rows that few comparisons meet: whatever serves answers the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, RidgeClassifier, RidgeClassifierCV, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, KBinsDiscretizer, MinMaxScaler
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, OneClassSVM

from modelcote.core.runtimes import ModelType
from tests.support.equal import difference
from tests.unit.compile.support import answer, compiled, load_form, pickled

PREDICT, TRANSFORM = ModelType.SKLEARN, ModelType.SKLEARN_PREPROCESSOR


def assert_serves_the_same(folder: Path, model_type: ModelType, model: Any, rows: Any, *, used: bool) -> None:
    flow = pickled(folder, model_type, model)
    original, report = compiled(folder, flow)
    assert report.used == used, report.reason
    serving = load_form(folder, flow, original, report) if used else original
    assert difference(answer(serving, rows.tolist()), answer(original, rows.tolist())) <= 1e-9


def bills() -> tuple[Any, Any, Any]:
    """Amounts due and paid beyond what a float32 holds to the unit, whether the bill is paid, and rows to ask."""
    random = np.random.default_rng(5)
    due = random.integers(20_000_000, 20_400_000, 400).astype(float)
    paid = due + random.integers(-30, 31, 400)
    return np.c_[due, paid], (paid >= due).astype(int), np.c_[due, due + random.integers(-3, 4, 400)]


@pytest.mark.parametrize(
    "model",
    [
        RidgeClassifier(),
        RidgeClassifier(fit_intercept=False),
        RidgeClassifierCV(),
        LinearSVC(random_state=0),
        GridSearchCV(RidgeClassifier(), {"alpha": [1.0]}, cv=2),
        make_pipeline(MinMaxScaler((20_000_000, 20_400_000)), RidgeClassifier()),
        make_pipeline(MinMaxScaler(), SVC(kernel="linear")),
    ],
    ids=str,
)
def test_one_unit_of_millions_decides(model: Any, tmp_path: Path) -> None:
    rows, paid, asked = bills()
    assert_serves_the_same(tmp_path, PREDICT, model.fit(rows, paid), asked, used=True)


@pytest.mark.parametrize("model", [SVC(), NuSVC(), SVR(), OneClassSVM(nu=0.2), SVC(break_ties=True)], ids=str)
def test_kernels_far_from_zero(model: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(120, 3)) * 10 + 1e5
    model.set_params(gamma=0.01).fit(rows, rows[:, 0] + rows[:, 1] > 2e5)
    asked = rows + random.normal(size=rows.shape)
    assert_serves_the_same(tmp_path, PREDICT, model, asked, used=True)


def neighbours() -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    rows = np.round(random.normal(size=(400, 12)), 1)
    return rows, (rows[:, 0] + rows[:, 1] / 2 + random.normal(size=400) * 0.7 > 0).astype(int)


def weigh(distances: Any) -> Any:
    return 1 / (1 + distances)


@pytest.mark.parametrize(
    "model",
    [
        KNeighborsClassifier(3, weights="distance"),
        pytest.param(KNeighborsClassifier(3, weights=weigh), id="weights of a function"),
        KNeighborsClassifier(5, weights="distance", p=1),
        KNeighborsClassifier(5, weights="distance", algorithm="brute"),
        KNeighborsRegressor(3, weights="distance"),
        BaggingClassifier(KNeighborsClassifier(3, weights="distance"), n_estimators=2, random_state=0),
        make_pipeline(MinMaxScaler(), KNeighborsClassifier(3, weights="distance")),
        RadiusNeighborsClassifier(4.0, weights="distance", outlier_label=0),
    ],
    ids=str,
)
def test_weights_of_neighbours(model: Any, tmp_path: Path) -> None:
    rows, labels = neighbours()
    assert_serves_the_same(tmp_path, PREDICT, model.fit(rows, labels), rows, used=False)


def beside(*values: float) -> Any:
    steps = [(value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)) for value in values]
    narrow = [float(np.float32(value)) for value in values]
    return np.array([*np.ravel(steps), *narrow, 20_000_000.0, 20_000_002.0, 0.1000000001, 5e-324]).reshape(-1, 1)


@pytest.mark.parametrize(
    "model",
    [
        Binarizer(threshold=0.1),
        Binarizer(threshold=20_000_001),
        Binarizer(threshold=1 / 3),
        Binarizer(),
        Binarizer(threshold=-1e-9),
        make_pipeline(Binarizer(threshold=0.1), FunctionTransformer()),
        FeatureUnion([("a", Binarizer(threshold=0.1)), ("b", Binarizer(threshold=20_000_001))]),
        ColumnTransformer([("a", Binarizer(threshold=1 / 3), [0])]),
        KBinsDiscretizer(3, encode="ordinal", strategy="uniform"),
        KBinsDiscretizer(3, encode="onehot-dense", strategy="uniform"),
    ],
    ids=str,
)
def test_values_beside_a_threshold(model: Any, tmp_path: Path) -> None:
    fitted = model.fit(np.array([[0.0], [0.1], [1 / 3], [1.0]]))
    asked = beside(0.1, 20_000_001.0, 1 / 3, 2 / 3, 0.0, -1e-9)
    assert_serves_the_same(tmp_path, TRANSFORM, fitted, asked, used=True)


@pytest.mark.parametrize("model", [LinearRegression(), SGDClassifier(loss="perceptron", random_state=0)], ids=str)
def test_a_threshold_before_a_model(model: Any, tmp_path: Path) -> None:
    rows = np.array([[0.0], [0.05], [0.2], [1.0]])
    chain = make_pipeline(Binarizer(threshold=0.1), model).fit(rows, [0, 0, 1, 1])
    assert_serves_the_same(tmp_path, PREDICT, chain, beside(0.1), used=True)


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_votes_of_models_without_probabilities(voting: str, tmp_path: Path) -> None:
    rows, labels = neighbours()
    voters = [("a", RidgeClassifier()), ("b", KNeighborsClassifier(4)), ("c", LinearSVC(random_state=0))]
    voters = voters if voting == "hard" else [voters[1], ("d", KNeighborsClassifier(6))]
    model = VotingClassifier(voters, voting=voting).fit(rows, labels)
    flow = pickled(tmp_path, PREDICT, model)
    original, report = compiled(tmp_path, flow)
    serving = load_form(tmp_path, flow, original, report) if report.used else original
    assert answer(serving, rows.tolist()) == answer(original, rows.tolist())


def test_one_against_the_rest_without_probabilities(tmp_path: Path) -> None:
    rows, paid, asked = bills()
    flow = pickled(tmp_path, PREDICT, OneVsRestClassifier(LinearSVC(random_state=0)).fit(rows, paid))
    original, report = compiled(tmp_path, flow)
    serving = load_form(tmp_path, flow, original, report) if report.used else original
    assert answer(serving, asked.tolist()) == answer(original, asked.tolist())
