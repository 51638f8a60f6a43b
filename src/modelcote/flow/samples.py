"""What the caller says of a model's inputs: a sample of training's own dtypes, and categories by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidSpec
from modelcote.core.inputs import (
    FRAME,
    MATRIX,
    NA,
    NAN,
    NAT,
    NO_MISSING,
    TABLE,
    TEXTS,
    VALUES,
    Column,
    Inputs,
    inputs_from_dict,
    plain_categories,
)
from modelcote.core.texts import shortened
from modelcote.flow.evidence import missing_of

_NULLABLE = ("Int", "UInt", "Float", "boolean", "string")
_PLAIN = ("float", "int", "uint", "bool", "datetime64", "str", "object", "category", *_NULLABLE)


def inputs_of(sample: Any) -> Inputs:
    """Return the inputs that a DataFrame, a Series, an array or a sparse matrix shows; raise `InvalidSpec`."""
    if hasattr(sample, "iloc") and sample.ndim == 2:
        columns = tuple(_column(str(name), sample.iloc[:, place]) for place, name in enumerate(sample.columns))
        return Inputs(FRAME, len(columns), columns)
    if hasattr(sample, "tocsr"):
        return Inputs(MATRIX, sample.shape[1], sparse=True)
    if not isinstance(sample, np.ndarray) and not hasattr(sample, "iloc"):
        problem = f"it must be a list of rows, a DataFrame, an array or a sparse matrix, not {type(sample).__name__}"
        raise _wrong("sample", problem, "Pass some rows as training had them.")
    column = _column("", sample)
    if sample.ndim == 1:
        return Inputs(TEXTS if column.dtype in ("str", "object", "string") else VALUES, cell=column)
    return Inputs(MATRIX if column == Column() else TABLE, sample.shape[1], cell=column)


def sample_rows(sample: Any) -> list[Any]:
    """Return a sample's rows as a request's JSON holds them, None for a missing value."""
    if hasattr(sample, "tocsr"):
        sample = sample.toarray()
    if getattr(sample, "ndim", 0) == 1:
        return [_plain(value) for value in sample]
    if hasattr(sample, "iloc"):
        columns = ([_plain(value) for value in sample.iloc[:, place]] for place in range(sample.shape[1]))
        return [list(row) for row in zip(*columns, strict=True)]
    return [[_plain(value) for value in row] for row in sample.tolist()]


def _plain(value: Any) -> Any:
    if missing_of(value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def of_sample(hints: Mapping[str, Any], names: tuple[str, ...], width: int | None) -> Inputs | None:
    """Return the inputs as a sample shows them, None without one.

    Raises `InvalidSpec` where its columns are not the model's (`names`, empty if it has none; `width`).
    """
    if "inputs" not in hints:
        return None
    inputs = inputs_from_dict(hints["inputs"])
    if (names and inputs.names != names) or (width is not None and inputs.width not in (None, width)):
        expected = shortened(", ".join(names), 200) if names else f"{width} columns"
        raise _wrong("sample", f"its columns are not the model's ({expected})", "Pass rows as training had them.")
    return inputs


def with_categories(inputs: Inputs, categories: Mapping[str, Sequence[Any]]) -> Inputs:
    """Return the inputs with the categories of the columns named; raise `InvalidSpec` where they do not fit."""
    unknown = [name for name in categories if name not in inputs.names]
    if unknown:
        shown = shortened(", ".join(inputs.names), 200) or "none, it was trained on an array"
        raise _wrong("categories", f"the model has no column {unknown[0]!r}", f"Its columns: {shown}.")
    columns = tuple(_categorised(column, categories.get(column.name)) for column in inputs.columns)
    return replace(inputs, columns=columns)


def _categorised(column: Column, listed: Sequence[Any] | None) -> Column:
    if listed is None:
        return column
    values = tuple(plain_categories({column.name: listed})[column.name])
    if len(set(values)) != len(values) or len(set(map(type, values))) != 1:
        raise _wrong("categories", f"those of {column.name} repeat, are of several types or none", "List each once.")
    if column.categories not in (None, values):
        problem = f"those of {column.name} are not the model's own"
        raise _wrong("categories", problem, f"Leave them out: it has {list(column.categories or ())[:8]}.")
    of = {str: "str", int: "int64", float: "float64", bool: "bool"}[type(values[0])]
    return Column(column.name, "category", NAN, values, column.of or of, column.ordered)


def _column(name: str, values: Any) -> Column:
    """Return the description of a Series' or an array's dtype."""
    dtype = "str" if getattr(values.dtype, "kind", "") in "US" else str(values.dtype)
    dtype = "string" if dtype.startswith("string") else dtype
    if not dtype.startswith(_PLAIN):
        raise _wrong("sample", f"its dtype {dtype} has no JSON form", "Convert it before training.")
    if dtype == "category":
        of = values.cat.categories
        listed = tuple(plain_categories({name: of.tolist()})[name])
        of_dtype = "str" if str(of.dtype).startswith(("str", "object")) else str(of.dtype)
        return Column(name, dtype, NAN, listed, of_dtype, bool(values.cat.ordered))
    if dtype.startswith("datetime64"):
        return Column(name, dtype, NAT)
    if dtype.startswith(_NULLABLE):
        return Column(name, dtype, NA)
    if dtype == "bool" or dtype.startswith(("int", "uint")) or (dtype == "str" and isinstance(values, np.ndarray)):
        return Column(name, dtype, NO_MISSING)
    if dtype != "object":
        return Column(name, dtype)
    markers = {missing_of(value) for value in np.asarray(values, dtype=object).ravel().tolist()} - {NO_MISSING}
    return Column(name, dtype, markers.pop() if len(markers) == 1 else NO_MISSING if markers else NAN)


def _wrong(field: str, problem: str, remedy: str) -> InvalidSpec:
    return InvalidSpec(f"{field}: {problem}.", remedy, field=field)
