"""The converter for PolynomialFeatures, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.graph_builder import GraphBuilder, converter


@converter
def convert_polynomial(graph: GraphBuilder, model: Any) -> None:
    """Convert products of columns; a column of ones pads a product with fewer factors."""
    matrix = graph.matrix()
    powers = np.asarray(model.powers_)
    width = powers.shape[1]
    factors = np.full((powers.shape[0], max(1, int(powers.sum(axis=1).max()))), width)
    for row, exponents in enumerate(powers):
        chosen = np.repeat(np.arange(width), exponents)
        factors[row, : len(chosen)] = chosen
    first = graph.column(matrix, 0)
    ones = graph.add("Add", graph.add("Mul", first, graph.constant([[0.0]])), graph.constant([[1.0]]))
    padded = graph.columns([matrix, ones])
    product = graph.add("Gather", padded, graph.constant(factors[:, 0]), axis=1)
    for place in range(1, factors.shape[1]):
        product = graph.add("Mul", product, graph.add("Gather", padded, graph.constant(factors[:, place]), axis=1))
    graph.output(0, product)
