"""Rows become what a model takes, or an error that says which row and column do not fit."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from modelcote.core.errors import InvalidInput
from modelcote.core.inputs import (
    FRAME,
    LISTS,
    MATRIX,
    NAT,
    NO_MISSING,
    TABLE,
    TEXTS,
    VALUES,
    Column,
    Inputs,
    inputs_from_dict,
    json_schema,
)
from modelcote.flow.column_limits import ColumnLimits
from modelcote.flow.compiled import MISSING_TEXT, Feed, feed_of
from modelcote.flow.inputs import count, rows

NUMBERS = Inputs(MATRIX, 2)
NAMED = Inputs(FRAME, 2, (Column("age"), Column("city", "str")))


def test_numbers_become_a_float64_matrix_and_null_is_missing() -> None:
    made = rows([[1, 2.5], [None, True]], NUMBERS)
    assert made.dtype == np.float64
    assert np.array_equal(made, [[1.0, 2.5], [math.nan, 1.0]], equal_nan=True)


def test_rows_by_name_are_rows_in_column_order() -> None:
    by_name = rows([{"city": "Rome", "age": 3}, {"age": None, "city": None}], NAMED)
    in_order = rows([[3, "Rome"], [None, None]], NAMED)
    pd.testing.assert_frame_equal(by_name, in_order)
    assert list(by_name.columns) == ["age", "city"]


def test_a_category_column_has_that_dtype() -> None:
    made = rows([["a", 1.0]], Inputs(FRAME, 2, (Column("kind", "category", categories=("b", "a")), Column("size"))))
    assert isinstance(made["kind"].dtype, pd.CategoricalDtype)


@pytest.mark.parametrize(
    ("data", "schema", "said"),
    [
        ([], NUMBERS, "no rows"),
        ({}, NUMBERS, "list of rows"),
        ("x", NUMBERS, "list of rows"),
        ([1.0, 2.0], NUMBERS, "row 0 is not a list"),
        ([[1.0, 2.0], [1.0]], NUMBERS, "row 1 has 1 values where the model expects 2"),
        ([[1.0, 2.0, 3.0]], NUMBERS, "row 0 has 3 values"),
        ([[1.0, "x"]], NUMBERS, "row 0, column 1 is a text"),
        ([[1.0, "2"]], NUMBERS, "row 0, column 1 is a text"),
        ([[1.0, [2.0]]], NUMBERS, "row 0, column 1 is a list"),
        ([[[1.0, 2.0]]], NUMBERS, "row 0 has 1 values"),
        ([{"age": 1}], NUMBERS, "without column names"),
        ([{"age": 1}], NAMED, "lacks 'city'"),
        ([{"age": 1, "city": "x", "town": "y"}], NAMED, "has the unknown 'town'"),
        ([{"age": 1, "town": "y"}], NAMED, "lacks 'city' and has the unknown 'town'"),
        ([[1, {"a": 1}]], NAMED, "row 0, column 1 is an object"),
        ([[]], Inputs(MATRIX), "row 0 is empty"),
        ([[1], [1, 2]], Inputs(TABLE, cell=Column(dtype="undecided")), "row 1 has 2 values where row 0 has 1"),
        (["a", 7], Inputs(TEXTS), "row 1 is a number"),
    ],
)
def test_what_does_not_fit_is_named(data: Any, schema: Inputs, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rows(data, schema)
    assert said in caught.value.detail
    assert caught.value.remedy


WHOLE, UNDECIDED = Column(dtype="int64", missing=NO_MISSING), Column(dtype="undecided")
DAYS = Inputs(TABLE, 1, (Column(dtype="datetime64[ns]", missing=NAT),), Column(dtype="object"))
INSTANTS = Inputs(FRAME, 1, (Column("at", "datetime64[ns, UTC]", NAT),))
PLANS = Inputs(FRAME, 1, (Column("plan", "category", categories=("b", 1.5, math.inf)),))


@pytest.mark.parametrize(
    ("inputs", "accepted", "refused"),
    [
        (NUMBERS, [[[1, None]]], [[], [[1]], [[1, "x"]], [{"age": 1}], {}]),
        (Inputs(MATRIX), [[[1, 2, 3]]], [[["x"]], ["x"]]),
        (NAMED, [[{"age": None, "city": "x"}, [1, None]]], [[{"age": 1}], [[1, 2]], [[1, "x", 2]]]),
        (Inputs(FRAME, 1, (Column("own", "undecided"),)), [[[True]], [["x"]], [[1]]], [[[[1]]]]),
        (Inputs(TABLE, cell=UNDECIDED), [["a", "b"], [["a", 1], [None, 2]]], [[1]]),
        (Inputs(TABLE, 1, cell=WHOLE), [[[1]], [[2.0]]], [[[1.5]], [[None]]]),
        (DAYS, [[["2026-11-28"], ["2026-11-28T12:00:00.5"], [None]]], [[["2026-11-28T12:00Z"]], [["today"]]]),
        (INSTANTS, [[["2026-11-28T12:00Z"]], [["2026-11-28 12:00:00+0100"]]], [[["2026-11-28"]], [[1]]]),
        (PLANS, [[["b"], {"plan": 1.5}, [None]]], [[["c"]], [[True]]]),
        (Inputs(VALUES, cell=Column(dtype="bool", missing=NO_MISSING)), [[True]], [[[True]], [1]]),
        (Inputs(LISTS, cell=WHOLE), [[[1], [], [2, 3]]], [[1], [["x"]]]),
        (Inputs(TEXTS), [["a"]], [[1], [["a"]]]),
    ],
)
def test_the_json_schema_says_what_is_read(inputs: Inputs, accepted: list[Any], refused: list[Any]) -> None:
    schema = json_schema(inputs)
    Draft202012Validator.check_schema(schema)
    json.dumps(schema, allow_nan=False)
    is_valid = Draft202012Validator(schema).is_valid
    for data in accepted:
        assert len(rows(data, inputs)) == len(data)
    for data in refused:
        with pytest.raises(InvalidInput):
            rows(data, inputs)
    assert ([is_valid(data) for data in accepted], any(map(is_valid, refused))) == ([True] * len(accepted), False)


def test_texts_and_mixed_values_stay() -> None:
    assert rows(["a", "b"], Inputs(TEXTS)) == ["a", "b"]
    made = rows([["red", 1], ["blue", None]], Inputs(TABLE, 2, cell=Column(dtype="object", missing="none")))
    assert made.dtype == object
    assert made.tolist() == [["red", 1], ["blue", None]]


def test_a_schema_survives_the_manifest() -> None:
    category = Column("b", "category", categories=("y", "x"), of="str")
    schema = Inputs(FRAME, 2, (Column("a", "str", "none"), category))
    assert inputs_from_dict(schema.to_dict()) == schema


def test_points() -> None:
    assert [count(data) for data in ([], [[1]], [[1], [2]], {"a": 1})] == [0, 1, 2, 1]


def test_compiled_feeds_take_columns_by_position_without_pandas() -> None:
    feeds = (Feed("age", "float64", (0,)), Feed("city", "str", (1,)))
    made = feed_of([{"city": None, "age": 3}, [None, "Rome"]], NAMED, feeds, ColumnLimits())
    assert np.array_equal(made["age"], [[3.0], [math.nan]], equal_nan=True)
    assert made["city"].tolist() == [[MISSING_TEXT], ["Rome"]]
    with pytest.raises(InvalidInput, match="row 0, column 0 is null"):
        feed_of([[None, "Rome"]], NAMED, feeds, ColumnLimits(no_missing=(0,)))
    with pytest.raises(InvalidInput, match="row 0, column 1 is a number where the model expects a text"):
        feed_of([[1.0, 2.0]], NAMED, feeds, ColumnLimits())


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["age", "city", "x"]), inner),
    max_leaves=8,
)


@given(
    values,
    st.sampled_from([NUMBERS, NAMED, Inputs(TABLE, cell=Column(dtype="undecided")), Inputs(TEXTS), Inputs(MATRIX)]),
)
def test_any_json_is_rows_or_an_error_of_ours(data: Any, schema: Inputs) -> None:
    with contextlib.suppress(InvalidInput):
        assert len(rows(data, schema)) == len(data)


def test_a_column_of_texts_that_are_all_missing_stays_one_of_texts() -> None:
    schema = NAMED
    frame = rows([[None, None], [None, None]], schema)
    assert [frame[name].dtype for name in frame] == ["float64", "str"]
    assert frame.isna().all(axis=None)
