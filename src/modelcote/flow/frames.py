"""Rows as a pandas DataFrame, each column of the dtype that training had. Never in the compiled tier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from modelcote.core.inputs import NAN, UNDECIDED, UNREAD, Column, Inputs
from modelcote.flow.cells import array_of, objects, read_cells
from modelcote.flow.undecided import read_undecided

# Since pandas 3, a column of texts has a dtype of its own; before, it was one of objects.
_TEXTS = "str" if int(pd.__version__.split(".")[0]) >= 3 else "object"


def frame_of(read: Sequence[Sequence[Any]], inputs: Inputs) -> pd.DataFrame:
    """Return a DataFrame of rows in column order; raise `InvalidInput`."""
    columns = {
        place: _series(cells, place, inputs.columns[place]) for place, cells in enumerate(zip(*read, strict=True))
    }
    frame = pd.DataFrame(columns)
    frame.columns = pd.Index(inputs.names)
    return frame


def _series(cells: Sequence[Any], place: int, column: Column) -> Any:
    if column.dtype == UNDECIDED:
        return _undecided(cells, place)
    values = read_cells(cells, place, column)
    if column.dtype == "category":
        codes = [-1 if code is None else code for code in values]
        return pd.Series(pd.Categorical.from_codes(codes, dtype=_categories(column)))
    if column.dtype == "str" and column.missing == NAN:
        return pd.Series(objects(values, column), dtype=_TEXTS)
    if column.dtype in ("str", "object", UNREAD):
        return pd.Series(objects(values, column), dtype=object)
    if column.dtype.startswith("datetime64"):
        dates = pd.Series(array_of(values, column))
        return dates if "," not in column.dtype else dates.dt.tz_localize("UTC").astype(column.dtype)
    if column.dtype in ("string", "boolean") or column.dtype[0].isupper():
        return pd.Series(pd.array([pd.NA if value is None else value for value in values], dtype=column.dtype))
    return pd.Series(array_of(values, column))


def _categories(column: Column) -> Any:
    of = column.of if column.of not in ("", "str") else None
    return pd.CategoricalDtype(pd.Index(list(column.categories or ()), dtype=of), ordered=column.ordered)


def _undecided(cells: Sequence[Any], place: int) -> Any:
    values, kind = read_undecided(cells, place)
    if kind is float:
        return pd.Series(values, dtype="float64")
    if kind is str:
        return pd.Series(objects(values, Column()), dtype=_TEXTS)
    return pd.Series(objects(values, Column()) if None in values else values, dtype=None if kind is bool else object)
