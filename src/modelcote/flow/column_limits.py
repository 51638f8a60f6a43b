"""The values that a model refuses, by column, so that its compiled form refuses the same rows in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidInput

_FLOAT32_MAX = float(np.finfo(np.float32).max)
_SHOWN = 8


@dataclass(frozen=True)
class ColumnLimits:
    """Columns by their position in the table.

    `no_missing`: columns that accept no missing value. `float32`: columns whose numbers must fit a float32.
    `allowed`: column -> the only values that it accepts; `known` in a stored manifest.
    """

    no_missing: tuple[int, ...] = ()
    float32: tuple[int, ...] = ()
    allowed: Mapping[int, frozenset[Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values = {str(column): sorted(items, key=_order) for column, items in self.allowed.items()}
        return {"no_missing": list(self.no_missing), "float32": list(self.float32), "known": values}


def column_limits_from_dict(data: Mapping[str, Any]) -> ColumnLimits:
    """Return the limits that `ColumnLimits.to_dict` wrote."""
    allowed = {int(column): frozenset(values) for column, values in data.get("known", {}).items()}
    return ColumnLimits(tuple(data.get("no_missing", ())), tuple(data.get("float32", ())), allowed)


def check_numbers(numbers: np.ndarray[Any, Any], columns: Sequence[int], limits: ColumnLimits) -> None:
    """Raise `InvalidInput` for the first number of a float64 matrix that the model refuses.

    `columns` are the positions of the matrix's columns in the table.
    """
    if limits.no_missing:
        _refuse(np.isnan(numbers), columns, limits.no_missing, "null, and the model accepts no missing value there")
    if limits.float32:
        _refuse(np.abs(numbers) > _FLOAT32_MAX, columns, limits.float32, "too large for the model, which uses float32")
    for place, column in enumerate(columns):
        if column in limits.allowed:
            _check_allowed(numbers[:, place].tolist(), column, limits.allowed[column])


def check_texts(texts: np.ndarray[Any, Any], columns: Sequence[int], limits: ColumnLimits, missing: str) -> None:
    """Do the same for an object matrix of texts, in which `missing` means null."""
    if limits.no_missing:
        _refuse(texts == missing, columns, limits.no_missing, "null, and the model accepts no missing value there")
    for place, column in enumerate(columns):
        if column in limits.allowed:
            _check_allowed(
                [None if text == missing else text for text in texts[:, place]], column, limits.allowed[column]
            )


def _refuse(wrong: np.ndarray[Any, Any], columns: Sequence[int], limited: Sequence[int], what: str) -> None:
    if not wrong.any():
        return
    for row, place in np.argwhere(wrong).tolist():
        if columns[place] in limited:
            raise InvalidInput(
                f"row {row}, column {columns[place]} is {what}.",
                "Send another value, or train the model with a step that handles this one.",
                row=row,
                column=columns[place],
            )


def _check_allowed(values: Sequence[Any], column: int, allowed: frozenset[Any]) -> None:
    for row, value in _unknown(values, allowed):
        shown = ", ".join(ascii(item) for item in sorted(allowed, key=_order)[:_SHOWN])
        raise InvalidInput(
            f"row {row}, column {column} is {ascii(value)[:60]}, which the model has not seen in training.",
            f"It knows {shown}; train it with handle_unknown to accept others.",
            row=row,
            column=column,
        )


def _unknown(values: Sequence[Any], allowed: frozenset[Any]) -> Iterator[tuple[int, Any]]:
    # A missing number is NaN here; `no_missing` decides whether the column accepts one.
    return (
        (row, value)
        for row, value in enumerate(values)
        if value is not None and value == value and value not in allowed  # noqa: PLR0124
    )


def _order(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value
