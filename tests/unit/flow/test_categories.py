"""Categories of XGBoost models: from the model's file, else from the caller, never from a request's own rows."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.pipeline import make_pipeline

from modelcote import Conduit, model_type
from modelcote.core.errors import InvalidBundle, InvalidInput, InvalidSpec
from tests.unit.flow.described import answer, described, serve

PLANS, YEARS = ("pro", "basic", "plus"), (2022, 2020, 2021)
FRAME = pd.DataFrame(
    {
        "plan": pd.Categorical([*PLANS] * 20, categories=PLANS),
        "year": pd.Categorical([2020, 2021, 2022, 2020] * 15, categories=YEARS),
        "months": np.arange(60) % 7.0,
    }
)
PRICE = FRAME["plan"].map({"basic": 10.0, "plus": 20.0, "pro": 50.0}).astype(float) + FRAME["year"].astype(int) % 2020
MODEL = xgboost.XGBRegressor(n_estimators=30, learning_rate=0.5, enable_categorical=True).fit(FRAME, PRICE)
SENT = [["basic", 2020, 1.0], ["plus", 2022, 2.0], ["pro", 2021, None], [None, None, 3.0]]
LISTED = {"plan": PLANS, "year": YEARS}


def _expected(model: Any) -> Any:
    columns: dict[str, Any] = dict(zip(FRAME.columns, zip(*SENT, strict=True), strict=True))
    columns["plan"] = pd.Categorical(columns["plan"], categories=PLANS)
    columns["year"] = pd.Categorical(columns["year"], categories=YEARS)
    return answer(model.predict(pd.DataFrame(columns).astype({"months": "float64"})))


def _earlier(folder: Path, model: Any = MODEL) -> Path:
    """The model's JSON as XGBoost wrote it before 3.1: codes, no categories."""
    path = folder / "price.json"
    model.save_model(path)
    data = json.loads(path.read_text())
    data["version"] = [2, 1, 4]
    data["learner"]["gradient_booster"]["model"].pop("cats", None)
    parameters = data["learner"]["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    path.write_text(json.dumps(data))
    return path


def _loaded(path: Path) -> Any:
    model = xgboost.XGBRegressor()
    model.load_model(path)
    return model


def assert_alone_as_in_company(predict: Any, expected: Any) -> None:
    assert predict(SENT) == expected
    assert [predict([row])[0] for row in SENT] == expected


def test_the_file_s_own_categories_decide(tmp_path: Path) -> None:
    MODEL.save_model(tmp_path / "m.json")
    MODEL.save_model(tmp_path / "m.ubj")
    for model in (MODEL, pickle.loads(pickle.dumps(MODEL)), _loaded(tmp_path / "m.json"), _loaded(tmp_path / "m.ubj")):
        inputs = described(model)
        assert [column.categories for column in inputs.columns] == [PLANS, YEARS, None]
        assert_alone_as_in_company(serve(model, "predict"), _expected(MODEL))


@pytest.mark.parametrize(
    "hints",
    [
        {"categories": LISTED},
        {"categories": {**LISTED, "year": np.array(YEARS)}},
        {"sample": FRAME[:1]},
        {"sample": FRAME[:0]},
        {"sample": FRAME.astype({"plan": object}), "categories": LISTED},
    ],
)
def test_the_caller_names_what_an_earlier_file_lacks(tmp_path: Path, hints: Mapping[str, Any]) -> None:
    model = _loaded(_earlier(tmp_path))
    assert_alone_as_in_company(serve(model, "predict", **hints), _expected(MODEL))


def test_conduit_passes_them_on(tmp_path: Path) -> None:
    flow = (model_type.XGBOOST_REGRESSOR, str(_earlier(tmp_path)))
    with pytest.raises(InvalidBundle, match="only their codes") as caught:
        Conduit("price", flow=flow).load()
    assert 'categories={"plan": [...]}' in caught.value.remedy
    for options in ({"categories": LISTED}, {"sample": FRAME[:3]}):
        assert_alone_as_in_company(Conduit("price", flow=flow, **options).load().run, _expected(MODEL))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["gold", 2020, 1.0], "'gold', which is not one of the column's categories"),
        (["basic", 2023, 1.0], "2023, which is not one"),
        (["basic", "2020", 1.0], "'2020', which is not one"),
        ([True, 2020, 1.0], "True, which is not one"),
        ([0, 2020, 1.0], "0, which is not one"),
    ],
)
def test_an_unknown_category_is_refused(row: list[Any], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        serve(MODEL, "predict")([row])
    assert said in caught.value.detail
    assert "It knows " in caught.value.remedy


@pytest.mark.parametrize(
    ("categories", "said"),
    [
        ({"plan": ["basic", "plus", "pro"], "year": YEARS}, "are not the model's own"),
        ({"colour": ["red"]}, "no column 'colour'"),
        ({"plan": ["pro", "pro"]}, "repeat"),
        ({"plan": []}, "none"),
        ({"plan": ["pro", 1]}, "several types"),
        ({"plan": ["pro", float("nan")]}, "is not a text"),
        ({"plan": ["pro", None]}, "is not a text"),
    ],
)
def test_categories_that_do_not_fit_are_refused(categories: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSpec, match=said):
        described(MODEL, categories=categories)


@pytest.mark.parametrize(
    "sample",
    [FRAME[["plan", "months"]], FRAME.rename(columns={"plan": "tariff"}), FRAME.assign(months=pd.Timedelta(1)), 7],
)
def test_a_sample_that_does_not_fit_is_refused(sample: Any) -> None:
    with pytest.raises(InvalidSpec, match="sample"):
        described(MODEL, sample=sample)


def test_inside_a_pipeline_they_are_the_model_s_too() -> None:
    model = make_pipeline("passthrough", MODEL)
    assert_alone_as_in_company(serve(model, "predict"), _expected(MODEL))
