"""No answer depends on the other rows of its request: frames of every dtype, alone, among 1,000 and shuffled."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sklearn.tree import DecisionTreeRegressor

from modelcote.core.inputs import Inputs
from modelcote.flow.inputs import rows
from modelcote.flow.samples import inputs_of
from modelcote.flow.schema import describe
from tests.unit.flow.described import answer

_BULK = 1000
_TEXTS = st.text("abc ", max_size=2)
_DATES = st.sampled_from(["2026-11-28", "1999-12-31T23:59:59.5", "2000-01-01 00:00"])
# Per dtype: a training column, and the JSON values that a request may have there.
DTYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "float64": (np.array([0.5, np.nan]), st.none() | st.floats(-1e9, 1e9) | st.integers(-(2**70), 2**70)),
    "float32": (np.array([0.5, 1.5], np.float32), st.none() | st.floats(-1e9, 1e9, width=32) | st.just(0.1)),
    "int64": (np.array([1, 2**62]), st.integers(-(2**63), 2**63 - 1)),
    "uint64": (np.array([1, 2**63], np.uint64), st.integers(0, 2**64 - 1)),
    "int8": (np.array([1, -1], np.int8), st.integers(-128, 127)),
    "bool": (np.array([True, False]), st.booleans()),
    "str": (pd.array(["a", None], dtype="str"), st.none() | _TEXTS),
    "objects": (pd.Series(["a", None], dtype=object), st.none() | _TEXTS | st.integers() | st.booleans()),
    "categories": (pd.Categorical(["b", "a"], categories=["b", "a", "c"]), st.none() | st.sampled_from("abc")),
    "years": (pd.Categorical([2020, None], categories=[2021, 2020]), st.none() | st.sampled_from([2020, 2021])),
    "ordered": (pd.Categorical(["b", "a"], categories=["b", "a"], ordered=True), st.none() | st.sampled_from("ab")),
    "dates": (pd.to_datetime(["2020-01-01", None]), st.none() | _DATES),
    "zoned": (pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Oslo"), st.none() | _DATES.map("{}Z".format)),
    "Int64": (pd.array([1, None], dtype="Int64"), st.none() | st.integers(-(2**63), 2**63 - 1)),
    "Float64": (pd.array([0.5, None], dtype="Float64"), st.none() | st.floats(-1e9, 1e9)),
    "boolean": (pd.array([True, None], dtype="boolean"), st.none() | st.booleans()),
    "string": (pd.array(["a", None], dtype="string"), st.none() | _TEXTS),
}
TRAINED = pd.DataFrame({name: values for name, (values, _) in DTYPES.items()})
ROWS = st.tuples(*(values for _, values in DTYPES.values())).map(list)


def _shown(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Each cell with its type, exactly."""
    return np.array([[f"{type(value).__name__} {value!r}" for value in row] for row in frame.astype(object).to_numpy()])


def _echo() -> tuple[Any, Inputs]:
    return FunctionTransformer(_shown).fit(TRAINED), inputs_of(TRAINED)


def _trees() -> tuple[Any, Inputs]:
    random_ = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": random_.normal(size=90),
            "city": random_.choice(["a", "b", " "], 90),
            "shop": random_.choice([2**60, 2**60 + 1, 2**60 + 2], 90),
            "paid": random_.random(90) < 0.5,
        }
    )
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepare = ColumnTransformer([("codes", codes, ["city", "shop", "paid"])], remainder="passthrough")
    model = make_pipeline(prepare, DecisionTreeRegressor()).fit(frame, random_.normal(size=90))
    return model, describe(model)


ECHO, TREES = _echo(), _trees()
TREE_ROWS = st.tuples(
    st.none() | st.floats(-9, 9), st.none() | _TEXTS, st.integers(2**60 - 1, 2**60 + 3), st.booleans()
).map(list)


def assert_independent(served: tuple[Any, Inputs], method: str, sent: list[Any], seed: int) -> None:
    model, inputs = served

    def predict(data: list[Any]) -> list[Any]:
        result: list[Any] = answer(getattr(model, method)(rows(data, inputs)))
        return result

    alone = [predict([row])[0] for row in sent]
    places = [random.Random(seed).randrange(len(sent)) for _ in range(_BULK)]
    assert predict(sent) == alone
    assert predict([sent[place] for place in places]) == [alone[place] for place in places]


@settings(max_examples=40, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=6), st.integers())
def test_every_dtype_is_read_by_itself(sent: list[Any], seed: int) -> None:
    assert_independent(ECHO, "transform", sent, seed)


@settings(max_examples=25, deadline=None)
@given(st.lists(TREE_ROWS, min_size=1, max_size=6), st.integers())
def test_a_model_s_answer_is_the_same_in_any_company(sent: list[Any], seed: int) -> None:
    assert_independent(TREES, "predict", sent, seed)


def test_every_dtype_is_read_as_training_had_it() -> None:
    frame = rows(
        [
            [0.5] * 2
            + [1] * 3
            + [True, "a", "a", "b", 2020, "b", "2020-01-01", "2019-12-31T23:00:00Z"]
            + [1, 0.5, True, "a"]
        ],
        inputs_of(TRAINED),
    )
    pd.testing.assert_frame_equal(frame, TRAINED[:1])
    missing: list[Any] = [None, None, 1, 1, 1, True, *[None] * 11]
    nothing = rows([missing], inputs_of(TRAINED))
    assert nothing.dtypes.tolist() == TRAINED.dtypes.tolist()
    assert nothing["objects"].tolist() == [None]
