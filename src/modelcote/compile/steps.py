"""Converters for steps over numbers of which skl2onnx has another form, or none in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.graph_builder import GraphBuilder, converter
from modelcote.compile.report import Unsupported


@converter
def convert_binarizer(graph: GraphBuilder, model: Any) -> None:
    """Convert Binarizer: 1 above the threshold, 0 on it and below."""
    above = graph.add("Greater", graph.matrix(), graph.constant(float(model.threshold)))
    graph.output(0, graph.cast(above, np.float64))


@converter
def convert_bins(graph: GraphBuilder, model: Any) -> None:
    """Convert KBinsDiscretizer: how many inner edges a value reaches, or a column per bin."""
    matrix, results = graph.matrix(), []
    for place, edges in enumerate(model.bin_edges_):
        column = graph.column(matrix, place)
        inner = np.asarray(edges, dtype=np.float64)[1:-1]
        reached = graph.add("Mul", column, graph.constant(0.0))
        if len(inner):
            above = graph.cast(graph.add("GreaterOrEqual", column, graph.constant(inner)), np.float64)
            reached = graph.add("ReduceSum", above, graph.constant([1]))
        if model.encode != "ordinal":
            bins = graph.constant(np.arange(len(inner) + 1.0))
            reached = graph.cast(graph.add("Equal", reached, bins), np.float64)
        results.append(reached)
    graph.output(0, graph.columns(results))


@converter
def convert_power(graph: GraphBuilder, model: Any) -> None:
    """Convert PowerTransformer by Yeo and Johnson: a power on either side of zero, a logarithm where it is 0 or 2."""
    if model.method != "yeo-johnson":
        raise Unsupported("a Box-Cox transformation, which accepts positive numbers only")
    powers = np.asarray(model.lambdas_, dtype=np.float64)
    matrix, zero, one = graph.matrix(), graph.constant(0.0), graph.constant(1.0)

    def side(size: str, power: Any) -> str:
        """Add ((size + 1) ** power - 1) / power, its limit at 0; `size` is not negative."""
        base = graph.add("Add", size, one)
        flat = np.abs(power) < np.finfo(np.float64).eps
        divisor = graph.constant(np.where(flat, 1.0, power))
        raised = graph.add("Div", graph.add("Sub", graph.add("Pow", base, divisor), one), divisor)
        return graph.add("Where", graph.constant(flat), graph.add("Log", base), raised) if flat.any() else raised

    above = side(graph.add("Max", matrix, zero), powers)
    below = graph.add("Neg", side(graph.add("Max", graph.add("Neg", matrix), zero), 2.0 - powers))
    result = graph.add("Where", graph.add("GreaterOrEqual", matrix, zero), above, below)
    result = graph.add("Where", graph.add("IsNaN", matrix), matrix, result)
    if model.standardize:
        centred = graph.add("Sub", result, graph.constant(model._scaler.mean_))
        result = graph.add("Div", centred, graph.constant(model._scaler.scale_))
    graph.output(0, result)
