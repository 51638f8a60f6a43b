"""Requests are read as the model was trained: every row here is compared with the library's own answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    LabelBinarizer,
    LabelEncoder,
    MultiLabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelcote.core.errors import InvalidInput
from tests.unit.flow.described import answer, described, objects, serve

# A fitted model, the method that answers, a request's rows, and what a caller of the library passes for them.
Case = tuple[Any, str, list[Any], Any]
HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
CODES = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
TEXTS = ["invoice overdue", "lunch at noon", "pay this bill", "see you there"] * 6
KINDS = ["money", "friend"] * 12


def _cities(missing: Any, *steps: Any, frame: bool = False) -> tuple[Any, Any]:
    """Steps trained on a column of texts with gaps, and one of numbers."""
    table = objects(*[[city, float(number)] for number, city in enumerate(["oslo", "rome", missing, "rome"] * 8)])
    data = pd.DataFrame(table, columns=["city", "size"]).astype({"size": "float64"}) if frame else table
    if frame:
        data["city"] = pd.Series(table[:, 0], dtype=object)
    where: Any = ["city"] if frame else [0]
    prepare = ColumnTransformer([("city", make_pipeline(*steps), where)], remainder="passthrough")
    return make_pipeline(prepare, DecisionTreeClassifier(random_state=0)).fit(data, np.arange(32) % 4 // 2), data


def _gap(missing: Any, *steps: Any, frame: bool = False) -> Case:
    model, data = _cities(missing, *steps, frame=frame)
    sent = [[None, 2.0], ["oslo", 1.0], [None, 3.0]]
    rows = objects([missing, 2.0], ["oslo", 1.0], [missing, 3.0])
    if not frame:
        return model, "predict_proba", sent, rows
    expected = data.iloc[:3].copy()
    expected["city"] = pd.Series([missing, "oslo", missing], dtype=object)
    expected["size"] = [2.0, 1.0, 3.0]
    return model, "predict_proba", sent, expected


def _fill(marker: Any, strategy: str = "most_frequent") -> Any:
    return SimpleImputer(missing_values=marker, strategy=strategy, fill_value="nowhere")


def _ids(values: list[int], dtype: str, encoder: Any, *, frame: bool = False) -> Case:
    table = np.array([[value] for value in values] * 10, dtype=dtype)
    data = pd.DataFrame(table, columns=["id"]) if frame else table
    model = make_pipeline(encoder, DecisionTreeClassifier(random_state=0))
    model.fit(data, np.arange(len(table)) % len(values))
    return model, "predict_proba", [[value] for value in values], data[: len(values)]


def _texts(model: Any, method: str = "predict_proba") -> Case:
    return model.fit(TEXTS, KINDS), method, TEXTS[:4], TEXTS[:4]


def _pipe(vectorizer: Any = TfidfVectorizer) -> Any:
    return make_pipeline(vectorizer(), LogisticRegression())


def _frame(model: Any, method: str, data: pd.DataFrame, sent: list[Any]) -> Case:
    return model.fit(data, np.arange(len(data)) % 3), method, sent, data[: len(sent)]


DATES = pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2025-06-30T12:30:00", "2026-11-28"] * 4, format="ISO8601")})
MIXED = pd.DataFrame(
    {
        "city": pd.Series(["oslo", "rome", None] * 4, dtype=object),
        "paid": [True, False, True] * 4,
        "shop": np.array([2**60, 2**60 + 1, 2**60 + 2] * 4),
        "size": [0.5, np.nan, 1.5] * 4,
    }
)

CASES: dict[str, Callable[[], Case]] = {
    # null in a table of texts and numbers
    "null_is_nan": lambda: _gap(np.nan, _fill(np.nan), HOT),
    "null_is_nan_ordinal": lambda: _gap(np.nan, _fill(np.nan), CODES),
    "null_is_nan_category": lambda: _gap(np.nan, HOT),
    "null_is_none_category": lambda: _gap(None, HOT),
    "null_is_none": lambda: _gap(None, _fill(None), HOT),
    "null_is_none_constant": lambda: _gap(None, _fill(None, "constant"), CODES),
    "null_in_frame": lambda: _gap(np.nan, _fill(np.nan), HOT, frame=True),
    "none_in_frame": lambda: _gap(None, _fill(None, "constant"), HOT, frame=True),
    "none_category_in_frame": lambda: _gap(None, HOT, frame=True),
    "none_ordinal_in_frame": lambda: _gap(None, OrdinalEncoder(encoded_missing_value=-2), frame=True),
    "none_target_in_frame": lambda: _gap(None, TargetEncoder(cv=2), frame=True),
    "none_indicator": lambda: (
        MissingIndicator(missing_values=None, features="all").fit(objects(["a"], [None])),
        "transform",
        [[None], ["b"]],
        objects([None], ["b"]),
    ),
    # identifiers
    "ids_above_2_53": lambda: _ids([2**53, 2**53 + 1, 2**53 + 2], "int64", HOT),
    "ids_ordinal": lambda: _ids([-(2**63), 2**63 - 2, 2**63 - 1], "int64", CODES),
    "ids_unsigned": lambda: _ids([2**63 - 1, 2**63, 2**64 - 1], "uint64", HOT),
    "ids_in_frame": lambda: _ids([2**53, 2**53 + 1, 2**53 + 2], "int64", HOT, frame=True),
    "ids_of_objects": lambda: _ids([2**53, 2**53 + 1, 2**63], "object", HOT),
    "ids_imputed": lambda: _ids([2**53, 2**53 + 1], "int64", make_pipeline(SimpleImputer(strategy="constant"), HOT)),
    "ids_by_target": lambda: _ids([2**60, 2**60 + 1, 2**60 + 2], "int64", TargetEncoder(cv=2)),
    # texts through ensembles and searches
    "voting": lambda: _texts(
        VotingClassifier([("a", _pipe()), ("b", _pipe(CountVectorizer))], voting="soft"),
    ),
    "stacking": lambda: _texts(StackingClassifier([("a", _pipe()), ("b", _pipe(CountVectorizer))], cv=2)),
    "voting_by_labels": lambda: _texts(VotingClassifier([("a", _pipe()), ("b", _pipe(CountVectorizer))]), "predict"),
    "stacking_of_searches": lambda: _texts(
        StackingClassifier([("a", GridSearchCV(_pipe(), {"logisticregression__C": [1.0]}, cv=2))], cv=2)
    ),
    "voting_of_unions": lambda: _texts(
        VotingClassifier([("a", make_pipeline(FeatureUnion([("a", CountVectorizer())]), LogisticRegression()))]),
        "predict",
    ),
    "calibrated": lambda: _texts(CalibratedClassifierCV(_pipe(), cv=2)),
    "one_vs_rest": lambda: _texts(OneVsRestClassifier(_pipe())),
    "search": lambda: _texts(GridSearchCV(_pipe(), {"logisticregression__C": [0.1, 1.0]}, cv=2)),
    "union": lambda: _texts(
        make_pipeline(FeatureUnion([("a", TfidfVectorizer()), ("b", CountVectorizer())]), LogisticRegression())
    ),
    "union_of_pipelines": lambda: _texts(
        make_pipeline(FeatureUnion([("a", make_pipeline(CountVectorizer()))]), LogisticRegression())
    ),
    "search_of_voting": lambda: _texts(
        GridSearchCV(VotingClassifier([("a", _pipe()), ("b", _pipe())]), {"voting": ["hard"]}, cv=2), "predict"
    ),
    # one dimension
    "labels": lambda: (LabelEncoder().fit(["no", "yes"]), "transform", ["yes", "no"], ["yes", "no"]),
    "labels_of_integers": lambda: (LabelEncoder().fit([2**60, 2**60 + 1]), "transform", [2**60 + 1], [2**60 + 1]),
    "labels_of_objects": lambda: (LabelEncoder().fit(objects("a", "b")), "transform", ["b"], objects("b")),
    "labels_of_booleans": lambda: (LabelEncoder().fit([True, False]), "transform", [True], [True]),
    "binarized": lambda: (LabelBinarizer().fit(["a", "b", "c"]), "transform", ["b", "c"], ["b", "c"]),
    "binarized_integers": lambda: (LabelBinarizer().fit([1, 2, 3]), "transform", [2], [2]),
    "binarized_booleans": lambda: (LabelBinarizer().fit([True, False]), "transform", [True, False], [True, False]),
    "isotonic_by_transform": lambda: (
        IsotonicRegression().fit([1.0, 2.0], [2.0, 4.0]),
        "transform",
        [1.5, 2],
        [1.5, 2.0],
    ),
    "sets_of_integers": lambda: (MultiLabelBinarizer().fit([[1, 2]]), "transform", [[2], [1]], [[2], [1]]),
    "sets": lambda: (
        MultiLabelBinarizer().fit([["a", "b"], ["c"]]),
        "transform",
        [["a"], [], ["c", "b"]],
        [["a"], [], ["c", "b"]],
    ),
    "isotonic": lambda: (
        IsotonicRegression(out_of_bounds="clip").fit(np.arange(9.0), np.arange(9.0) ** 2),
        "predict",
        [1, 2.5],
        [1.0, 2.5],
    ),
    # dates, booleans, mixed frames
    "dates": lambda: _frame(
        make_pipeline(CODES, DecisionTreeRegressor()),
        "predict",
        DATES,
        [["2024-01-01"], ["2025-06-30T12:30:00"], ["2026-11-28 00:00"]],
    ),
    "mixed": lambda: _frame(
        make_pipeline(
            ColumnTransformer([("codes", HOT, ["city", "paid", "shop"]), ("size", SimpleImputer(), ["size"])]),
            DecisionTreeClassifier(),
        ),
        "predict_proba",
        MIXED,
        [["oslo", True, 2**60, 0.5], ["rome", False, 2**60 + 1, None], [None, True, 2**60 + 2, 1.5]],
    ),
    "booleans": lambda: (
        HOT.__class__(sparse_output=False).fit(np.array([[True], [False]])),
        "transform",
        [[True]],
        np.array([[True]]),
    ),
    "arrays_of_texts": lambda: (
        OrdinalEncoder().fit(np.array([["a", "bb"], ["ccc", "d"]])),
        "transform",
        [["ccc", "d"]],
        np.array([["ccc", "d"]]),
    ),
    "float32": lambda: (
        OrdinalEncoder().fit(np.array([[0.1], [0.2]], np.float32)),
        "transform",
        [[0.1], [0.2]],
        np.array([[0.1], [0.2]], np.float32),
    ),
    "boosting_over_texts": lambda: _frame(
        HistGradientBoostingRegressor(categorical_features=["city"], max_iter=3, min_samples_leaf=1),
        "predict",
        MIXED[["city", "size"]].astype({"city": "category"}),
        [["oslo", 0.5], ["rome", None], [None, 1.5]],
    ),
    "logarithm_of_numbers": lambda: (
        make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), Ridge()).fit(np.eye(3), [1, 2, 3]),
        "predict",
        [[1, 0, 2]],
        np.array([[1.0, 0.0, 2.0]]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_the_library_s_alone_and_in_company(name: str) -> None:
    model, method, sent, expected = CASES[name]()
    predict = serve(model, method)
    whole = answer(getattr(model, method)(expected))
    assert predict(sent) == whole
    assert [predict([row])[0] for row in sent] == whole
    assert predict(sent[::-1]) == whole[::-1]


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("ids_above_2_53", [[2**63]], "which int64 cannot hold"),
        ("ids_above_2_53", [[1.5]], "not a whole number"),
        ("ids_above_2_53", [[None]], "no missing value"),
        ("ids_unsigned", [[-1]], "which uint64 cannot hold"),
        ("ids_unsigned", [[2**64]], "which uint64 cannot hold"),
        ("labels", ["yes", 1], "row 1 is a number where the model expects a text"),
        ("labels", [["yes"]], "row 0 is a list"),
        ("sets", ["a"], "row 0 is not a list"),
        ("sets", [["a"], ["b", 2]], "row 1, column 1 is a number"),
        ("isotonic", ["x"], "row 0 is a text where the model expects a number"),
        ("dates", [["28.11.2026"]], "which is not a date in ISO 8601"),
        ("dates", [["2026-11-28T00:00:00Z"]], "a date with a zone"),
        ("dates", [[20261128]], "a number where the model expects a date as text"),
        ("booleans", [[1]], "a number where the model expects true or false"),
        ("mixed", [["oslo", True, 2**63, 0.5]], "row 0, column 2"),
        ("null_is_nan", [[7, 1.0]], "a number where the model expects a text"),
        ("voting", ["a", None], "row 1 is null where the model expects a text"),
    ],
)
def test_what_training_could_not_hold_is_refused(name: str, wrong: list[Any], said: str) -> None:
    model, method, _, _ = CASES[name]()
    with pytest.raises(InvalidInput) as caught:
        serve(model, method)(wrong)
    assert said in caught.value.detail


def test_null_has_no_meaning_where_training_had_two_missing_values() -> None:
    model = OneHotEncoder(handle_unknown="ignore").fit(objects(["a"], [None], [np.nan]))
    with pytest.raises(InvalidInput, match="no missing value"):
        serve(model, "transform")([[None]])


def test_columns_that_no_step_reads_accept_anything() -> None:
    frame = pd.DataFrame({"name": ["x", "y"], "size": [1.0, 2.0]})
    model = ColumnTransformer([("size", StandardScaler(), ["size"])]).fit(frame)
    assert [column.dtype for column in described(model).columns] == ["unread", "float64"]
    assert serve(model, "transform")([[7, 1], [None, 2], ["z", 1]]) == [[-1.0], [1.0], [-1.0]]
