"""Converters for imputers and category encoders, over float64 and over strings with missing values."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.nodes import Nodes
from modelcote.compile.report import Unsupported
from modelcote.flow.compiled import MISSING_TEXT


def shape_encoded(tensor: Any, operator: Any) -> None:
    """One-hot and ordinal columns are numbers of the graph's own float type."""
    operator.outputs[0].type = tensor([operator.inputs[0].get_first_dimension(), _width(operator.raw_operator)])


def _width(model: Any) -> int:
    if not hasattr(model, "drop_idx_"):
        return len(model.categories_)
    dropped = 0 if model.drop_idx_ is None else sum(index is not None for index in model.drop_idx_)
    return sum(map(len, model.categories_)) - dropped


def is_missing(value: Any) -> bool:
    """None, NaN, or pandas' own NA."""
    return value is None or (isinstance(value, float | np.floating) and np.isnan(value)) or repr(value) == "<NA>"


def _where_equal(nodes: Nodes, column: str, value: Any) -> str:
    """A boolean column: where the value, or a missing one, stands."""
    if is_missing(value):
        if nodes.takes_text:
            return nodes.add("Equal", column, nodes.constant([MISSING_TEXT]))
        return nodes.add("IsNaN", column)
    if nodes.takes_text != isinstance(value, str):
        raise Unsupported(f"a category of type {type(value).__name__} among others")
    return nodes.add("Equal", column, nodes.constant([value if isinstance(value, str) else float(value)]))


def convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    """SimpleImputer: what is missing becomes the column's statistic."""
    nodes = Nodes(scope, operator, container)
    model = nodes.model
    if model.add_indicator:
        raise Unsupported("an imputer that adds indicator columns")
    fills = list(model.statistics_)
    if any(is_missing(fill) for fill in fills):
        raise Unsupported("an imputer over a column without any value")
    matrix = nodes.matrix()
    if not nodes.takes_text:
        fills = [float(fill) for fill in fills]
    missing = _where_equal(nodes, matrix, model.missing_values)
    nodes.output(0, nodes.add("Where", missing, nodes.constant([fills]), matrix))


def convert_one_hot(scope: Any, operator: Any, container: Any) -> None:
    """OneHotEncoder: a column per category; a category never seen gives zeros."""
    nodes = Nodes(scope, operator, container)
    model = nodes.model
    if getattr(model, "_infrequent_enabled", False):
        raise Unsupported("a one-hot encoder that groups infrequent categories")
    matrix = nodes.matrix()
    hot = []
    for index, categories in enumerate(model.categories_):
        column = nodes.column(matrix, index)
        dropped = None if model.drop_idx_ is None else model.drop_idx_[index]
        kept = [category for number, category in enumerate(categories) if number != dropped]
        hot += [nodes.cast(part, np.float64) for part in _equal_columns(nodes, column, kept)]
    nodes.output(0, nodes.columns(hot))


def _equal_columns(nodes: Nodes, column: str, categories: list[Any]) -> list[str]:
    """Boolean (rows, k) parts in the order of the categories; the missing one sorts last in scikit-learn."""
    present = [category for category in categories if not is_missing(category)]
    if nodes.takes_text != all(isinstance(category, str) for category in present) and present:
        raise Unsupported("categories of several types in one column")
    known = [present if nodes.takes_text else [float(category) for category in present]]
    parts = [nodes.add("Equal", column, nodes.constant(known))] if present else []
    return parts + [_where_equal(nodes, column, None) for _ in categories[len(present) :]]


def convert_ordinal(scope: Any, operator: Any, container: Any) -> None:
    """OrdinalEncoder: the category's position; unseen and missing ones as the encoder was told."""
    nodes = Nodes(scope, operator, container)
    model = nodes.model
    if getattr(model, "_infrequent_enabled", False):
        raise Unsupported("an ordinal encoder that groups infrequent categories")
    matrix = nodes.matrix()
    unknown = np.nan if model.unknown_value is None else float(model.unknown_value)
    encoded = []
    for index, categories in enumerate(model.categories_):
        column = nodes.column(matrix, index)
        code = nodes.constant([[unknown]])
        for number, category in enumerate(categories):
            value = float(model.encoded_missing_value) if is_missing(category) else float(number)
            code = nodes.add("Where", _where_equal(nodes, column, category), nodes.constant([[value]]), code)
        encoded.append(code)
    nodes.output(0, nodes.columns(encoded))
