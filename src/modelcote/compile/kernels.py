"""Converters for support vector machines, in float64: ONNX's own operators for them hold float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.graph_builder import GraphBuilder, converter
from modelcote.compile.report import Unsupported
from modelcote.compile.trees import Array

CLASSIFIERS, REGRESSORS = ("SVC", "NuSVC"), ("SVR", "NuSVR")


@converter
def convert_regressor(graph: GraphBuilder, model: Any) -> None:
    """Convert SVR and NuSVR."""
    graph.output(0, _decisions(graph, model, _dense(model.dual_coef_).T, model.intercept_))


@converter
def convert_one_class(graph: GraphBuilder, model: Any) -> None:
    """Convert OneClassSVM: 1 where the decision is above zero, else -1; and the decision."""
    decision = _decisions(graph, model, _dense(model.dual_coef_).T, model.intercept_)
    above = graph.add("Greater", decision, graph.constant(0.0))
    graph.output(0, graph.add("Where", above, graph.constant([1]), graph.constant([-1])))
    graph.output(1, decision)


@converter
def convert_classifier(graph: GraphBuilder, model: Any) -> None:
    """Convert SVC and NuSVC: the class with most votes of all pairs, and the scores of `decision_function`."""
    if getattr(model, "probability", False) is True:
        raise Unsupported("the probabilities of a support vector machine, which libsvm finds by iteration")
    classes = len(model.classes_)
    pairs = [(one, other) for one in range(classes) for other in range(one + 1, classes)]
    decision = _decisions(graph, model, _pair_weights(model, pairs), model._intercept_)
    if classes == 2:
        # libsvm votes for the first of a pair only above zero.
        second = graph.cast(graph.add("LessOrEqual", decision, graph.constant(0.0)), np.int64)
        graph.classes(0, graph.add("Reshape", second, graph.constant([-1])))
        scores = graph.add("Neg", decision)
        graph.output(1, graph.columns([decision, scores]) if graph.wants_raw_scores else scores)
        return
    first = np.array([[float(one == place) for place in range(classes)] for one, _ in pairs])
    second_ = np.array([[float(other == place) for place in range(classes)] for _, other in pairs])
    votes = _votes(graph, graph.add("Greater", decision, graph.constant(0.0)), first, second_)
    scores = decision
    if model.decision_function_shape == "ovr":
        # sklearn.utils.multiclass._ovr_decision_function: votes, and confidences squeezed into a third around zero.
        sums = graph.add("MatMul", decision, graph.constant(first - second_))
        size = graph.add("Mul", graph.add("Add", graph.add("Abs", sums), graph.constant(1.0)), graph.constant(3.0))
        on_zero = _votes(graph, graph.add("GreaterOrEqual", decision, graph.constant(0.0)), first, second_)
        scores = graph.add("Add", on_zero, graph.add("Div", sums, size))
    best = scores if model.break_ties and model.decision_function_shape == "ovr" else votes
    graph.classes(0, graph.add("ArgMax", best, axis=1, keepdims=0))
    graph.output(1, scores)


def _votes(graph: GraphBuilder, for_first: str, first: Array, second: Array) -> str:
    share = graph.cast(for_first, np.float64)
    return graph.add("Add", graph.add("MatMul", share, graph.constant(first - second)), graph.constant(second.sum(0)))


def _pair_weights(model: Any, pairs: list[tuple[int, int]]) -> Array:
    """Return one column of weights per pair of classes; libsvm keeps a class's weights against each other class."""
    duals = _dense(model._dual_coef_)
    ends = np.cumsum(model.n_support_)
    of = [slice(int(end - count), int(end)) for end, count in zip(ends, model.n_support_, strict=True)]
    weights = np.zeros((duals.shape[1], len(pairs)))
    for number, (one, other) in enumerate(pairs):
        weights[of[one], number] = duals[other - 1, of[one]]
        weights[of[other], number] = duals[one, of[other]]
    return weights


def _decisions(graph: GraphBuilder, model: Any, weights: Array, intercept: Any) -> str:
    products = graph.add("MatMul", _kernel(graph, model), graph.constant(weights))
    return graph.add("Add", products, graph.constant(np.asarray(intercept, dtype=np.float64).reshape(1, -1)))


def _kernel(graph: GraphBuilder, model: Any) -> str:
    """Add the kernel's value of each row with each support vector: (rows, vectors)."""
    vectors, gamma, rows = _dense(model.support_vectors_), float(model._gamma), graph.matrix()
    if model.kernel == "rbf":
        # Around the vectors' middle, a square of a distance keeps its digits however far from zero the data are.
        middle = vectors.mean(axis=0)
        rows, vectors = graph.add("Sub", rows, graph.constant(middle)), vectors - middle
        squares = graph.add("ReduceSumSquare", rows, graph.constant([1]))
        twice = graph.add("MatMul", rows, graph.constant(2 * vectors.T))
        away = graph.add("Sub", graph.add("Add", squares, graph.constant((vectors**2).sum(axis=1))), twice)
        return graph.add("Exp", graph.add("Mul", graph.add("Max", away, graph.constant(0.0)), graph.constant(-gamma)))
    products = graph.add("MatMul", rows, graph.constant(vectors.T))
    if model.kernel == "linear":
        return products
    inner = graph.add("Add", graph.add("Mul", products, graph.constant(gamma)), graph.constant(float(model.coef0)))
    if model.kernel == "sigmoid":
        return graph.add("Tanh", inner)
    if model.kernel == "poly":
        return graph.add("Pow", inner, graph.constant(float(model.degree)))
    raise Unsupported(f"the kernel {model.kernel}")


def _dense(matrix: Any) -> Array:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=np.float64)
