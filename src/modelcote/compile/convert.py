"""A flow of fitted models -> one ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from modelcote.compile import boosters, encoders, ensembles
from modelcote.compile.graph import keep_result
from modelcote.compile.report import Unsupported
from modelcote.flow.compiled import Feed

OPSET = {"": 20, "ai.onnx.ml": 3}


def feeds_of(model: Any, columns: Sequence[str], text: Sequence[bool], dtype: str) -> tuple[Feed, ...]:
    """Return the inputs of a graph of `model`: one table, or each column by itself before a ColumnTransformer.

    `columns`: names of a table's columns, empty if it has none; `text`: per column, whether it holds strings;
    `dtype`: float64 or float32, of all numbers. Raises `Unsupported`.
    """
    if _picks_columns(model):
        names = columns or [f"column{index}" for index in range(len(text))]
        return tuple(
            Feed(name, "str" if is_text else dtype, (index,))
            for index, (name, is_text) in enumerate(zip(names, text, strict=True))
        )
    if len(set(text)) > 1:
        raise Unsupported("texts and numbers in one table without a ColumnTransformer at its start")
    return (Feed("rows", "str" if text[0] else dtype, tuple(range(len(text)))),)


def _picks_columns(model: Any) -> bool:
    """Tell whether the model begins with a ColumnTransformer, which reads a table column by column."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    while isinstance(model, Pipeline):
        model = model.steps[0][1]
    return isinstance(model, ColumnTransformer)


def convert(models: Sequence[Any], methods: Sequence[str], feeds: Sequence[Feed], expected: Any) -> bytes:
    """Return the graph of fitted models, one after the other, as an ONNX file.

    `methods`: what each model's type calls. `expected`: an original result, whose form the graph adopts.
    Raises `Unsupported`, and whatever else the converter raises.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
    from sklearn.pipeline import Pipeline

    if any(method != "transform" for method in methods[:-1]):
        raise Unsupported("a stage after one that predicts")
    steps = [(f"stage{number}", model) for number, model in enumerate(models)]
    model = Pipeline(steps) if len(steps) > 1 else models[0]
    tensors = {"str": StringTensorType, "float64": DoubleTensorType, "float32": FloatTensorType}
    numbers = FloatTensorType if any(feed.dtype == "float32" for feed in feeds) else DoubleTensorType
    converters, shapes = _converters(numbers)
    graph = convert_sklearn(
        model,
        "modelcote",
        [(feed.name, tensors[feed.dtype]([None, len(feed.columns)])) for feed in feeds],
        target_opset=OPSET,
        options=_array_options(),
        custom_conversion_functions=converters,
        custom_shape_calculators=shapes,
    )
    result: bytes = keep_result(graph, int(methods[-1] == "predict_proba"), expected).SerializeToString()
    return result


def _array_options() -> dict[type, dict[str, bool]]:
    """Return the options per convertible class: probabilities as an array, not as one map per row.

    Every class is named, also those without such an option: a pipeline would set it for them and then fail on it.
    """
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter

    return {
        kind: {"zipmap": False} if "zipmap" in (get_converter(alias).get_allowed_options() or ()) else {}
        for kind, alias in sklearn_operator_name_map.items()
    }


# Our own converters, by the name of the class that skl2onnx registers.
_CONVERTERS = {
    **dict.fromkeys(ensembles.FORESTS, ensembles.convert_forest),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), ensembles.convert_gradient_boosting),
    **dict.fromkeys(
        ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), ensembles.convert_hist_boosting
    ),
    "IsolationForest": ensembles.convert_isolation_forest,
    "AdaBoostClassifier": ensembles.convert_ada_boost,
    "VotingClassifier": ensembles.convert_voting,
    "SimpleImputer": encoders.convert_imputer,
    "OneHotEncoder": encoders.convert_one_hot,
    "OrdinalEncoder": encoders.convert_ordinal,
    "PolynomialFeatures": encoders.convert_polynomial,
    **dict.fromkeys(("XGBClassifier", "XGBRegressor"), boosters.convert_booster),
}


def _converters(tensor: Any) -> tuple[dict[type, Any], dict[type, Any]]:
    """Return our own converters by model class, and the shapes of those whose results have the graph's float type."""
    from skl2onnx._supported_operators import sklearn_operator_name_map

    _register_xgboost()
    kinds = {kind.__name__: kind for kind in sklearn_operator_name_map}
    encoded = partial(encoders.shape_encoded, tensor)
    return (
        {kinds[name]: convert for name, convert in _CONVERTERS.items() if name in kinds},
        {kinds[name]: encoded for name in ("OneHotEncoder", "OrdinalEncoder")},
    )


def _register_xgboost() -> None:
    """Register XGBoost's classes with the converter, so that pipelines and ensembles may hold them too."""
    try:
        from xgboost import XGBClassifier, XGBRegressor
    except ImportError:
        return
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    forms = {"zipmap": [True, False, "columns"], "nocl": [True, False]}
    for kind, shapes, options in (
        (XGBClassifier, calculate_linear_classifier_output_shapes, forms),
        (XGBRegressor, calculate_linear_regressor_output_shapes, {}),
    ):
        if kind not in sklearn_operator_name_map:
            name = f"Modelcote{kind.__name__}"
            update_registered_converter(kind, name, shapes, boosters.convert_booster, options=options)
