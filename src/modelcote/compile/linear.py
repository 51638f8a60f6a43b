"""Converters for linear models that skl2onnx has in float32 only, or with other probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.graph_builder import GraphBuilder, converter
from modelcote.compile.report import Unsupported
from modelcote.compile.trees import Array

REGRESSORS = (
    *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "BayesianRidge"),
    *("ARDRegression", "HuberRegressor", "SGDRegressor", "LinearSVR", "TheilSenRegressor", "QuantileRegressor"),
)
CLASSIFIERS = ("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "LinearDiscriminantAnalysis")


@converter
def convert_linear_classifier(graph: GraphBuilder, model: Any) -> None:
    """Convert a linear classifier: labels, and probabilities or the scores of `decision_function`.

    Scores have one column for two classes.
    """
    if getattr(getattr(model, "_label_binarizer", None), "y_type_", "").startswith("multilabel"):
        raise Unsupported("a linear classifier with several labels per row")
    weights, scores = _weighted_sums(graph, model)
    if len(weights) > 1:
        graph.classes(0, graph.add("ArgMax", scores, axis=1, keepdims=0))
    else:
        second = graph.cast(graph.add("Greater", scores, graph.constant(0.0)), np.int64)
        graph.classes(0, graph.add("Reshape", second, graph.constant([-1])))
    if graph.wants_raw_scores and len(weights) == 1:
        graph.output(1, graph.columns([graph.add("Neg", scores), scores]))
    elif graph.wants_raw_scores or not hasattr(model, "predict_proba"):
        graph.output(1, scores)
    elif len(weights) > 1:
        graph.output(1, graph.add("Softmax", scores, axis=1))
    else:
        share = graph.add("Sigmoid", scores)
        graph.output(1, graph.columns([graph.add("Sub", graph.constant(1.0), share), share]))


@converter
def convert_linear_regressor(graph: GraphBuilder, model: Any) -> None:
    """Convert a linear regressor of one target or several."""
    graph.output(0, _weighted_sums(graph, model)[1])


def _weighted_sums(graph: GraphBuilder, model: Any) -> tuple[Array, str]:
    """Return the weights by target, and add the sums of a row by them: (rows, targets)."""
    weights = np.atleast_2d(model.coef_).astype(np.float64)
    intercepts = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64), (len(weights),))
    products = graph.add("MatMul", graph.matrix(), graph.constant(weights.T))
    return weights, graph.add("Add", products, graph.constant(intercepts.reshape(1, -1)))
