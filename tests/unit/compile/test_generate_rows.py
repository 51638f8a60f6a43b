"""The rows that forms are compared on hold what they are meant to hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelcote.compile.generate_rows import generate_rows
from modelcote.compile.input_profile import InputProfile, empty_profile
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


def test_rows_are_the_same_each_time_and_fewer_for_wide_tables() -> None:
    model = LogisticRegression(max_iter=1000).fit(*IRIS)
    assert generate_rows(profile_of(model, 4), ColumnLimits()) == generate_rows(profile_of(model, 4), ColumnLimits())
    assert len(generate_rows(empty_profile(5000), ColumnLimits())) == 400
