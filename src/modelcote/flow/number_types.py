"""Numbers of a model whose first steps reveal no dtype: float64, float32 where its arrays kept that, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidBundle
from modelcote.core.inputs import FRAME, MATRIX, TABLE, Column, Inputs

# Fitted arrays that are of float32 if and only if the rows were (scikit-learn's `check_array(dtype=FLOAT_DTYPES)` keeps
# them so): measured by fitting each of `all_estimators` on both.
_KEEPING = (
    *("coef_", "coefs_", "components_", "_fit_X", "X_fit_", "X_train_", "location_", "cluster_centers_", "means_"),
    *("theta_", "data_min_", "max_abs_", "center_", "lambdas_", "random_weights_", "subcluster_centers_"),
)
# Steps that make numbers of a dtype of their own: what is behind them says nothing of the rows.
_CONVERTING = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "FunctionTransformer"})
# Steps whose results depend on whether the rows were whole numbers: integers are divided as integers.
_DIVIDING = ("reciprocal", "invert")


def with_number_types(inputs: Inputs, model: Any) -> Inputs:
    """Return the inputs with the dtype of their numbers; raise `InvalidBundle` where it matters and nothing tells."""
    estimators = list(_estimators(model))
    numbers = any(one.dtype == "float64" for one in inputs.columns or (inputs.cell,))
    if inputs.kind not in (MATRIX, FRAME) or not numbers:
        return inputs
    if _of_float32(estimators):
        columns = tuple(replace(one, dtype="float32") if one.dtype == "float64" else one for one in inputs.columns)
        kind = TABLE if inputs.kind == MATRIX else inputs.kind
        return replace(inputs, kind=kind, columns=columns, cell=Column(dtype="float32"))
    dividing = next(filter(_divides, estimators), None)
    if dividing is not None:
        raise InvalidBundle(
            f"the result of {type(dividing).__name__} depends on whether training had whole numbers, which the model's "
            "file does not say.",
            "Deploy with sample=, a DataFrame or an array of the dtypes that the model was trained on.",
        )
    return inputs


def _estimators(model: Any) -> Iterator[Any]:
    """Yield the estimator and all that it holds."""
    seen: set[int] = set()
    left = [model]
    while left:
        value = left.pop()
        if id(value) in seen or isinstance(value, type):
            continue
        seen.add(id(value))
        if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
            left += list(value.ravel() if isinstance(value, np.ndarray) else value)
        elif hasattr(value, "get_params"):
            yield value
            # The encoder of bins has the dtype that these are given.
            left += () if type(value).__name__ == "KBinsDiscretizer" else vars(value).values()


def _of_float32(estimators: list[Any]) -> bool:
    converting = any(type(one).__name__ in _CONVERTING or _has_own_dtype(one) for one in estimators)
    if any(_has_float32_edges(one) for one in estimators):
        return True
    return not converting and any(
        _first(getattr(one, name, None)) == np.float32 for one in estimators for name in _KEEPING
    )


def _has_own_dtype(step: Any) -> bool:
    return type(step).__name__ == "KBinsDiscretizer" and step.dtype is not None


def _first(value: Any) -> Any:
    value = value[0] if isinstance(value, list) and value else value
    return value.dtype if isinstance(value, np.ndarray) else None


def _has_float32_edges(step: Any) -> bool:
    """Tell whether bins were cut at numbers of float32, and not at decimals of a few digits."""
    if type(step).__name__ != "KBinsDiscretizer" or not hasattr(step, "bin_edges_"):
        return False
    edges = np.concatenate([edges[1:-1] for edges in step.bin_edges_] or [np.empty(0)])
    rounded = edges.astype(np.float32).astype(np.float64)
    return bool(len(edges)) and bool((edges == rounded).all() and (edges != np.round(edges, 6)).any())


def _divides(step: Any) -> bool:
    if type(step).__name__ == "AdditiveChi2Sampler":
        return True
    function = step.func if type(step).__name__ == "FunctionTransformer" else None
    return isinstance(function, np.ufunc) and function.__name__ in _DIVIDING
