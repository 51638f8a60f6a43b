"""The converter for PolynomialFeatures, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.nodes import Nodes


def convert_polynomial(scope: Any, operator: Any, container: Any) -> None:
    """Each result is a product of columns; a column of ones stands in where a product has fewer factors."""
    nodes = Nodes(scope, operator, container)
    matrix = nodes.matrix()
    powers = np.asarray(nodes.model.powers_)
    width = powers.shape[1]
    factors = np.full((powers.shape[0], max(1, int(powers.sum(axis=1).max()))), width)
    for row, exponents in enumerate(powers):
        chosen = np.repeat(np.arange(width), exponents)
        factors[row, : len(chosen)] = chosen
    first = nodes.column(matrix, 0)
    ones = nodes.add("Add", nodes.add("Mul", first, nodes.constant([[0.0]])), nodes.constant([[1.0]]))
    padded = nodes.columns([matrix, ones])
    product = nodes.add("Gather", padded, nodes.constant(factors[:, 0]), axis=1)
    for place in range(1, factors.shape[1]):
        product = nodes.add("Mul", product, nodes.add("Gather", padded, nodes.constant(factors[:, place]), axis=1))
    nodes.output(0, product)
