"""The categories of pandas' columns that XGBoost's and LightGBM's models keep themselves, by column."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidBundle
from modelcote.core.inputs import Column


def xgboost_categories(booster: Any) -> dict[int, dict[str, Any]]:
    """Return the categories by column that XGBoost has stored since 3.1, as it writes them: Arrow's layout in JSON."""
    stored = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    model = stored.get("model") or stored.get("gbtree", {}).get("model", {})
    by_column: dict[int, dict[str, Any]] = {}
    for number, one in enumerate((model.get("cats") or {}).get("enc", ())):
        values = one.get("values") or []
        if "offsets" in one:
            raw, offsets = bytes(value & 0xFF for value in values), one["offsets"]
            texts = tuple(raw[start:end].decode() for start, end in pairwise(offsets))
            by_column |= {number: {"categories": texts, "of": "str"}} if texts else {}
        elif values:
            by_column[number] = {"categories": tuple(values), "of": "int64"}
    return by_column


def lightgbm_categories(model: Any) -> dict[int, Column]:
    """Return the category columns of a LightGBM model by place.

    It has the categories in the order of those columns, and the places of all categorical features. Raises
    `InvalidBundle` where the two do not fit, as with ordered categories, or where it has no names for its columns
    (LightGBM before 4.5).
    """
    stored = model.booster_.pandas_categorical or []
    places = model.booster_.params.get("categorical_column") or []
    if stored and (len(stored) != len(places) or getattr(model, "feature_names_in_", None) is None):
        raise InvalidBundle(
            "the model's file does not tell which of its columns have the category dtype.",
            "Deploy with sample=, a DataFrame with the dtypes of training.",
        )
    # Without stored categories it was an array, whose codes are the caller's own.
    return {place: _column(values) for place, values in zip(sorted(places), stored, strict=False)}


def _column(values: list[Any]) -> Column:
    texts = all(isinstance(value, str) for value in values)
    return Column(dtype="category", categories=tuple(values), of="str" if texts else np.asarray(values).dtype.name)
