"""A flow of fitted models -> one ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from modelcote.compile import boosters, clusters, encoders, ensembles, kernels, linear, steps
from modelcote.compile.audit import check_precision
from modelcote.compile.graph import keep_result, keep_scores
from modelcote.compile.graph_builder import ML
from modelcote.compile.report import Unsupported
from modelcote.flow.compiled import Feed

OPSET = {"": 20, "ai.onnx.ml": 3}  # what the converter's package knows
# TreeEnsemble, which our own converters write, is of version 5. All else that passes the audit means the same there.
_ML_SERVED = 5


def feeds_of(model: Any, columns: Sequence[str], text: Sequence[bool]) -> tuple[Feed, ...]:
    """Return the inputs of a graph of `model`: one table, or each column by itself before a ColumnTransformer.

    `columns`: names of a table's columns, empty if it has none; `text`: per column, whether it holds strings. Numbers
    are float64, as in JSON. Raises `Unsupported`.
    """
    if _picks_columns(model):
        names = columns or [f"column{index}" for index in range(len(text))]
        return tuple(
            Feed(name, "str" if is_text else "float64", (index,))
            for index, (name, is_text) in enumerate(zip(names, text, strict=True))
        )
    if len(set(text)) > 1:
        raise Unsupported("texts and numbers in one table without a ColumnTransformer at its start")
    return (Feed("rows", "str" if text[0] else "float64", tuple(range(len(text)))),)


def _picks_columns(model: Any) -> bool:
    """Tell whether the model begins with a ColumnTransformer, which reads a table column by column."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    while isinstance(model, Pipeline):
        model = model.steps[0][1]
    return isinstance(model, ColumnTransformer)


def convert(
    models: Sequence[Any], methods: Sequence[str], feeds: Sequence[Feed], expected: Any
) -> tuple[bytes, bytes | None]:
    """Return two graphs of fitted models, one after the other: the one that serves, and one with scores only.

    `methods`: what each model's type calls. `expected`: an original result, whose form the graph adopts. The scores
    are those that the labels come from, None where the converter writes none; they are for comparison.
    Raises `Unsupported`, and whatever else the converter raises.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
    from sklearn.pipeline import Pipeline

    if any(method != "transform" for method in methods[:-1]):
        raise Unsupported("a stage after one that predicts")
    steps = [(f"stage{number}", model) for number, model in enumerate(models)]
    model = Pipeline(steps) if len(steps) > 1 else models[0]
    tensors = {"str": StringTensorType, "float64": DoubleTensorType}
    converters, shapes = _converters()
    graph = convert_sklearn(
        model,
        "modelcote",
        [(feed.name, tensors[feed.dtype]([None, len(feed.columns)])) for feed in feeds],
        target_opset=OPSET,
        options=_array_options(),
        custom_conversion_functions=converters,
        custom_shape_calculators=shapes,
    )
    for opset in graph.opset_import:
        opset.version = _ML_SERVED if opset.domain == ML else opset.version
    scores = None
    if methods[-1] == "predict" and len(graph.graph.output) > 1:
        scores = keep_scores(graph)
    served = keep_result(graph, int(methods[-1] == "predict_proba"), expected)
    check_precision(served.graph)
    return served.SerializeToString(), scores


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
    **dict.fromkeys(linear.CLASSIFIERS, linear.convert_linear_classifier),
    **dict.fromkeys(linear.REGRESSORS, linear.convert_linear_regressor),
    **dict.fromkeys(("KMeans", "MiniBatchKMeans"), clusters.convert_k_means),
    **dict.fromkeys(("GaussianMixture", "BayesianGaussianMixture"), clusters.convert_mixture),
    "Binarizer": steps.convert_binarizer,
    "KBinsDiscretizer": steps.convert_bins,
    "PowerTransformer": steps.convert_power,
    **dict.fromkeys(kernels.CLASSIFIERS, kernels.convert_classifier),
    **dict.fromkeys(kernels.REGRESSORS, kernels.convert_regressor),
    "OneClassSVM": kernels.convert_one_class,
    "SimpleImputer": encoders.convert_imputer,
    "OneHotEncoder": encoders.convert_one_hot,
    "OrdinalEncoder": encoders.convert_ordinal,
    "PolynomialFeatures": encoders.convert_polynomial,
    **dict.fromkeys(("XGBClassifier", "XGBRegressor"), boosters.convert_booster),
}


def _converters() -> tuple[dict[type, Any], dict[type, Any]]:
    """Return our own converters, and the shapes of their results, by model class."""
    from skl2onnx._supported_operators import sklearn_operator_name_map

    _register_xgboost()
    kinds = {kind.__name__: kind for kind in sklearn_operator_name_map}
    own = {kinds[name]: convert for name, convert in _CONVERTERS.items() if name in kinds}
    shapes = {kind: partial(_shape_in_float64, sklearn_operator_name_map[kind]) for kind in own}
    return own, shapes


def _shape_in_float64(alias: str, operator: Any) -> None:
    """Declare results as the converter's own package does, but numbers as float64: it has trees in float32."""
    from skl2onnx.common._registration import get_shape_calculator
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    if alias in ("SklearnOneHotEncoder", "SklearnOrdinalEncoder"):
        encoders.shape_encoded(operator)
        return
    get_shape_calculator(alias)(operator)
    for output in operator.outputs:
        if isinstance(output.type, FloatTensorType):
            output.set_type(DoubleTensorType(output.type.shape))


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
