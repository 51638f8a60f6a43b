"""The rows that forms are compared on hold what they are meant to hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, KBinsDiscretizer, MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelcote.compile.generate_rows import count_rows, generate_rows
from modelcote.compile.input_profile import InputProfile, empty_profile
from modelcote.compile.near_boundaries import rows_at_boundaries
from modelcote.compile.walk_models import profile_inputs
from modelcote.flow.column_limits import ColumnLimits
from tests.zoo import COLUMNS, ZOO

IRIS, WINE = load_iris(return_X_y=True), load_wine(return_X_y=True)


def profile_of(model: Any, width: int, names: tuple[str, ...] = ()) -> InputProfile:
    return profile_inputs([model], width, names)


def test_rows_meet_thresholds_exactly_and_on_either_side() -> None:
    tree = DecisionTreeClassifier(random_state=0).fit(*IRIS)
    rows = np.array(generate_rows(profile_of(tree, 4), ColumnLimits((0, 1, 2, 3))))
    inner = np.flatnonzero(tree.tree_.children_left >= 0)
    for feature, threshold in zip(tree.tree_.feature[inner], tree.tree_.threshold[inner], strict=True):
        values = rows[:, feature]
        assert (values == threshold).any()
        assert (values == np.nextafter(threshold, np.inf)).any()
        assert (values == np.nextafter(threshold, -np.inf)).any()
        assert (values == float(np.nextafter(np.float32(threshold), np.float32(np.inf)))).any()


def test_rows_reach_every_leaf() -> None:
    tree = DecisionTreeClassifier(random_state=0).fit(*WINE)
    rows = np.array(generate_rows(profile_of(tree, 13), ColumnLimits(tuple(range(13)))))
    assert set(tree.apply(rows)) == set(np.flatnonzero(tree.tree_.children_left < 0))


def test_thresholds_behind_a_scaler_are_carried_back() -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(40, random_state=0)).fit(*WINE)
    met = profile_of(model, 13).thresholds()
    for column, low, high in zip(met, WINE[0].min(axis=0), WINE[0].max(axis=0), strict=True):
        assert column
        assert all(low <= value <= high for value in column)


def test_categories_are_drawn_seen_and_unseen() -> None:
    model = ZOO["columns"].train().stages[0][1]
    profile = profile_of(model, len(COLUMNS), COLUMNS)
    assert [profile.is_text(column) for column in range(4)] == [False, False, True, True]
    drawn = {row[2] for row in generate_rows(profile, ColumnLimits())}
    assert {"A", "B", "C", "unseen", "", None} <= drawn
    drawn = {row[2] for row in generate_rows(profile, ColumnLimits(no_missing=(2,), allowed={2: frozenset("ABC")}))}
    assert drawn == {"A", "B", "C"}


def test_missing_values_and_extremes_are_among_the_rows() -> None:
    model = GradientBoostingClassifier(n_estimators=3).fit(*IRIS)
    rows = generate_rows(profile_of(model, 4), ColumnLimits(no_missing=(0,)))
    assert all(row[0] is not None for row in rows)
    assert any(row[1] is None for row in rows)
    assert max(row[3] for row in rows if row[3] is not None) > 1e5


def test_edges_of_bins_and_thresholds_are_met_on_either_side() -> None:
    model = make_pipeline(StandardScaler(), KBinsDiscretizer(4, encode="ordinal", strategy="uniform")).fit(IRIS[0])
    rows = np.array(generate_rows(profile_of(model, 4), ColumnLimits((0, 1, 2, 3))))
    for column, edges in enumerate(model[1].bin_edges_):
        widths = model[0].transform(rows)[:, column][:, None] - edges[1:-1]
        assert (np.abs(widths) < 1e-15).any(axis=0).all()
    rows = np.array(generate_rows(profile_of(Binarizer(threshold=0.1).fit(IRIS[0]), 4), ColumnLimits((0, 1, 2, 3))))
    assert {0.1, np.nextafter(0.1, 1), np.nextafter(0.1, 0)} <= set(rows[:, 2])


@pytest.mark.parametrize(
    "steps", [[], [StandardScaler()], [StandardScaler(), PCA(4)], [MinMaxScaler(), SelectKBest(k=3)]]
)
def test_whole_rows_of_the_training_data_are_among_the_rows(steps: list[Any]) -> None:
    model = make_pipeline(*steps, KNeighborsClassifier(1)).fit(*IRIS)
    rows = np.array(generate_rows(profile_of(model, 4), ColumnLimits((0, 1, 2, 3))))
    nearest = model[-1].kneighbors(model[:-1].transform(rows), 1)[0] if steps else model[-1].kneighbors(rows, 1)[0]
    assert (nearest < 1e-9).sum() > 50


def test_columns_without_a_range_are_measured_by_their_weights() -> None:
    model = LinearRegression().fit(IRIS[0] * [100, 1, 1, 0.01], IRIS[1])
    rows = np.abs(np.array(generate_rows(profile_of(model, 4), ColumnLimits((0, 1, 2, 3)))))
    assert np.median(rows[:, 0]) > 10 * np.median(rows[:, 1]) > 100 * np.median(rows[:, 3])


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        (LogisticRegression(max_iter=1000).fit(*IRIS), LogisticRegression(max_iter=5000).fit(*WINE)),
        (RandomForestClassifier(2).fit(*IRIS), RandomForestClassifier(50).fit(*IRIS)),
        (KNeighborsClassifier().fit(IRIS[0][::9], IRIS[1][::9]), KNeighborsClassifier().fit(*IRIS)),
        (OneHotEncoder().fit([[0], [1]]), OneHotEncoder().fit(np.arange(90).reshape(-1, 1))),
    ],
)
def test_the_size_of_a_model_decides_how_many_rows(smaller: Any, larger: Any) -> None:
    few, many = (count_rows(profile_of(model, model.n_features_in_)) for model in (smaller, larger))
    assert 1000 < few < many


def test_boundaries_are_met_on_either_side() -> None:
    drawn = [[value, "kept"] for value in np.random.default_rng(0).random(50).tolist()]
    rows = rows_at_boundaries(lambda rows: np.array([row[0] > 0.3 for row in rows]), drawn, [0])
    away = np.array([row[0] for row in rows]) - 0.3
    assert {row[1] for row in rows} == {"kept"}
    assert (np.abs(away) < 1e-8).sum() > 20
    assert 0.2 < (away > 0).mean() < 0.8


def test_rows_are_the_same_each_time_and_fewer_for_wide_tables() -> None:
    model = LogisticRegression(max_iter=1000).fit(*IRIS)
    assert generate_rows(profile_of(model, 4), ColumnLimits()) == generate_rows(profile_of(model, 4), ColumnLimits())
    assert len(generate_rows(empty_profile(5000), ColumnLimits())) == 400
