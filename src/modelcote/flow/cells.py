"""One column of a request's JSON values, read by the column's description. No cell is read by its neighbours."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidInput
from modelcote.core.inputs import DATE, NAN, NO_MISSING, NONE, ZONE, Column
from modelcote.core.texts import quoted

_SHOWN = 8
_NULL = type(None)
_NUMBERS = frozenset({int, float, bool})
_SCALARS = frozenset({*_NUMBERS, str})
_DATE = re.compile(f"({DATE})({ZONE})?", re.ASCII)
_YEARS_NS = range(1678, 2262)  # Those that 64 bits of nanoseconds can hold in full.


def wrong_value(row: int, column: int | None, problem: str, remedy: str) -> InvalidInput:
    """Return the error for one value of a row, by its position; `column` is None where a row is one value."""
    if column is None:
        return InvalidInput(f"row {row} is {problem}.", remedy, row=row)
    return InvalidInput(f"row {row}, column {column} is {problem}.", remedy, row=row, column=column)


def read_cells(cells: Sequence[Any], place: int | None, column: Column, of_row: int | None = None) -> list[Any]:
    """Return the values in the column's dtype, as Python's or numpy's own, a category as its code; None is missing.

    `of_row`: they are the values of this one row, not of a column.
    Raises `InvalidInput` for the first value that the column cannot hold.
    """
    types, expected, convert = _reader(column)

    def wrong(number: int, problem: str, remedy: str) -> InvalidInput:
        return wrong_value(*((number, place) if of_row is None else (of_row, number)), problem, remedy)

    got = set(map(type, cells))
    if not got <= types:
        for row, value in enumerate(cells):
            if not isinstance(value, tuple(types)):
                problem = f"{kind_of(value)} where the model expects {expected}"
                raise wrong(row, problem, _remedy(expected, column))
    if column.missing == NO_MISSING and _NULL in got:
        problem = f"null, and the training data had no missing value there ({column.dtype})"
        raise wrong(cells.index(None), problem, f"Send {expected}.")
    if convert is None:
        return list(cells)
    values = []
    for row, cell in enumerate(cells):
        try:
            values.append(None if cell is None else convert(cell, column))
        except (ValueError, OverflowError) as error:
            raise wrong(row, f"{quoted(cell)}, {error}", _remedy(expected, column)) from error
    return values


def array_of(values: list[Any], column: Column) -> np.ndarray[Any, Any]:
    """Return what `read_cells` returned as a numpy array of the column's dtype; of objects where numpy has none."""
    dtype = column.dtype
    if dtype.startswith("float"):
        return np.array(values, dtype=np.float64).astype(dtype, copy=False)
    if dtype.startswith("datetime64"):
        return np.array(values, dtype=f"datetime64[{unit_of(dtype)}]")
    if dtype == "bool" or dtype.startswith(("int", "uint")):
        return np.array(values, dtype=dtype)
    if dtype == "str" and None not in values:
        return np.array(values, dtype=np.str_)
    return objects(values, column)


def objects(values: Sequence[Any], column: Column) -> np.ndarray[Any, Any]:
    """Return an array of the objects themselves, with the column's own missing value for None."""
    array = np.empty(len(values), dtype=object)
    missing = missing_value(column) if None in values else None
    array[:] = [missing if value is None else value for value in values]
    return array


def missing_value(column: Column) -> Any:
    """Return what null is among the objects of a column."""
    if column.missing == NAN:
        return math.nan
    if column.missing == NONE:
        return None
    import pandas as pd  # NA and NaT exist there only.

    return pd.NA if column.missing == "NA" else pd.NaT


def kind_of(value: Any) -> str:
    """Describe a JSON value in words."""
    return {str: "a text", list: "a list", dict: "an object", _NULL: "null", bool: "true or false"}.get(
        type(value), "a number"
    )


def unit_of(dtype: str) -> str:
    """Return the unit of a datetime64 dtype, whose zone may follow it."""
    return dtype.removeprefix("datetime64[").rstrip("]").split(",")[0]


_Reader = tuple[frozenset[type], str, Callable[[Any, Column], Any] | None]


def _reader(column: Column) -> _Reader:
    """Return the JSON types that the column accepts, these in words, and the function that converts one value."""
    if column.dtype == "category":
        # True is 1 in Python, and neither in JSON.
        codes = {(type(item) is bool, item): code for code, item in enumerate(column.categories or ())}
        return _SCALARS | {_NULL}, "one of its categories", lambda value, _: _code(codes, value)
    return _named(column.dtype)


@cache
def _named(dtype: str) -> _Reader:
    name = dtype.lower()
    if name.startswith("datetime64"):
        return frozenset({str, _NULL}), "a date as text", _date
    if name in ("bool", "boolean"):
        return frozenset({bool, _NULL}), "true or false", None
    if name in ("str", "string"):
        return frozenset({str, _NULL}), "a text", None
    if name.startswith(("int", "uint")):
        return _NUMBERS | {_NULL}, "a whole number", _whole
    if name.startswith("float"):
        return _NUMBERS | {_NULL}, "a number", _float
    return _SCALARS | {_NULL}, "a number, a text, true or false", None


def _remedy(expected: str, column: Column) -> str:
    if column.categories is not None:
        shown = ", ".join(ascii(item) for item in column.categories[:_SHOWN])
        return f"It knows {shown}{', ...' if len(column.categories) > _SHOWN else ''}."
    if column.dtype.startswith("datetime64"):
        zone = "with" if "," in column.dtype else "without"
        return f"Send ISO 8601, such as 2026-11-28T12:00:00, {zone} a zone."
    return f"Send {expected}{'' if column.missing == NO_MISSING else ', or null for a missing value'}."


def _float(value: Any, column: Column) -> Any:
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("too large for float64") from error
    if column.dtype in ("float32", "Float32") and math.isfinite(number) and abs(number) > np.finfo(np.float32).max:
        raise ValueError("too large for float32")
    return number


def _whole(value: Any, column: Column) -> int:
    number = int(value)
    if number != value:
        raise ValueError("not a whole number")
    bounds = np.iinfo(column.dtype.lower())
    if not bounds.min <= number <= bounds.max:
        raise ValueError(f"which {column.dtype} cannot hold")
    return number


def _code(codes: Mapping[tuple[bool, Any], int], value: Any) -> int:
    code = codes.get((type(value) is bool, value))
    if code is None:
        raise ValueError("which is not one of the column's categories")
    return code


def _date(text: str, column: Column) -> Any:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("which is not a date in ISO 8601")
    local, zone, sign, hours, minutes = match.groups()
    if (zone is not None) != ("," in column.dtype):
        raise ValueError("a date with a zone" if zone else "a date without a zone")
    unit = unit_of(column.dtype)
    if unit == "ns" and int(text[:4]) not in _YEARS_NS:
        raise ValueError("which nanoseconds cannot hold")
    offset = np.timedelta64(int(f"{sign}1") * (int(hours) * 60 + int(minutes)) if sign else 0, "m")
    return np.array(local, dtype=f"datetime64[{unit}]")[()] - offset
