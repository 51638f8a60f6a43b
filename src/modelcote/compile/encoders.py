"""Converters for steps that prepare columns: imputers, category encoders, polynomials; over float64 and strings."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.graph_builder import GraphBuilder, converter
from modelcote.compile.report import Unsupported
from modelcote.flow.compiled import MISSING_TEXT


def shape_encoded(operator: Any) -> None:
    """Declare one-hot and ordinal columns as float64."""
    from skl2onnx.common.data_types import DoubleTensorType

    width = len(operator.raw_operator.get_feature_names_out())
    operator.outputs[0].type = DoubleTensorType([operator.inputs[0].get_first_dimension(), width])


def is_missing(value: Any) -> bool:
    """Tell whether a value is None, NaN or pandas' own NA."""
    return value is None or (isinstance(value, float | np.floating) and np.isnan(value)) or repr(value) == "<NA>"


def _where_equal(graph: GraphBuilder, column: str, value: Any) -> str:
    """Add a boolean column: where the value, or a missing one, is."""
    if is_missing(value):
        if graph.takes_text:
            return graph.add("Equal", column, graph.constant([MISSING_TEXT]))
        return graph.add("IsNaN", column)
    if graph.takes_text != isinstance(value, str):
        raise Unsupported(f"a category of type {type(value).__name__} among others")
    return graph.add("Equal", column, graph.constant([value if isinstance(value, str) else float(value)]))


@converter
def convert_imputer(graph: GraphBuilder, model: Any) -> None:
    """Convert SimpleImputer: a missing value becomes the column's statistic."""
    if model.add_indicator:
        raise Unsupported("an imputer that adds indicator columns")
    fills = list(model.statistics_)
    if any(is_missing(fill) for fill in fills):
        raise Unsupported("an imputer over a column without any value")
    matrix = graph.matrix()
    if not graph.takes_text:
        fills = [float(fill) for fill in fills]
    missing = _where_equal(graph, matrix, model.missing_values)
    graph.output(0, graph.add("Where", missing, graph.constant([fills]), matrix))


@converter
def convert_one_hot(graph: GraphBuilder, model: Any) -> None:
    """Convert OneHotEncoder: a column per category; a category never seen becomes zeros."""
    if getattr(model, "_infrequent_enabled", False):
        raise Unsupported("a one-hot encoder that groups infrequent categories")
    matrix = graph.matrix()
    hot = []
    for index, categories in enumerate(model.categories_):
        column = graph.column(matrix, index)
        dropped = None if model.drop_idx_ is None else model.drop_idx_[index]
        categories_left = [category for number, category in enumerate(categories) if number != dropped]
        hot += [graph.cast(part, np.float64) for part in _equal_columns(graph, column, categories_left)]
    graph.output(0, graph.columns(hot))


def _equal_columns(graph: GraphBuilder, column: str, categories: list[Any]) -> list[str]:
    """Add boolean (rows, k) parts in the order of the categories; the missing one sorts last in scikit-learn."""
    present = [category for category in categories if not is_missing(category)]
    if graph.takes_text != all(isinstance(category, str) for category in present) and present:
        raise Unsupported("categories of several types in one column")
    if not graph.takes_text and any(float(category) != category for category in present):
        raise Unsupported("categories that a double cannot hold")
    values = [present if graph.takes_text else [float(category) for category in present]]
    parts = [graph.add("Equal", column, graph.constant(values))] if present else []
    return parts + [_where_equal(graph, column, None) for _ in categories[len(present) :]]


@converter
def convert_ordinal(graph: GraphBuilder, model: Any) -> None:
    """Convert OrdinalEncoder: the category's position; unseen and missing ones as the encoder is set."""
    if getattr(model, "_infrequent_enabled", False):
        raise Unsupported("an ordinal encoder that groups infrequent categories")
    matrix = graph.matrix()
    unknown = np.nan if model.unknown_value is None else float(model.unknown_value)
    encoded = []
    for index, categories in enumerate(model.categories_):
        column = graph.column(matrix, index)
        code = graph.constant([[unknown]])
        for number, category in enumerate(categories):
            value = float(model.encoded_missing_value) if is_missing(category) else float(number)
            code = graph.add("Where", _where_equal(graph, column, category), graph.constant([[value]]), code)
        encoded.append(code)
    graph.output(0, graph.columns(encoded))


@converter
def convert_polynomial(graph: GraphBuilder, model: Any) -> None:
    """Convert PolynomialFeatures: products of columns; a column of ones pads a product with fewer factors."""
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
