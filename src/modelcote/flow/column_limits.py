"""The values that a model refuses, by column, so that its compiled form refuses the same rows in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelcote.core.texts import quoted
from modelcote.flow.cells import wrong_value

_FLOAT32_MAX = float(np.finfo(np.float32).max)
_SHOWN = 8
_NULL = "null, and the model accepts no missing value there"


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
        _refuse(np.isnan(numbers), columns, limits.no_missing, _NULL)
    if limits.float32:
        _refuse(np.abs(numbers) > _FLOAT32_MAX, columns, limits.float32, "too large for the model, which uses float32")
    if limits.allowed:
        _check_allowed(numbers, columns, limits, None)


def check_texts(texts: np.ndarray[Any, Any], columns: Sequence[int], limits: ColumnLimits, missing: str) -> None:
    """Do the same for an object matrix of texts, in which `missing` means null."""
    if limits.no_missing:
        _refuse(texts == missing, columns, limits.no_missing, _NULL)
    _check_allowed(texts, columns, limits, missing)


def _refuse(wrong: np.ndarray[Any, Any], columns: Sequence[int], limited: Sequence[int], what: str) -> None:
    if not wrong.any():
        return
    for row, place in np.argwhere(wrong).tolist():
        if columns[place] in limited:
            remedy = "Send another value, or train the model with a step that handles this one."
            raise wrong_value(row, columns[place], what, remedy)


def _check_allowed(
    values: np.ndarray[Any, Any], columns: Sequence[int], limits: ColumnLimits, missing: str | None
) -> None:
    for place, column in enumerate(columns):
        allowed = limits.allowed.get(column)
        for row, value in enumerate(values[:, place].tolist() if allowed is not None else ()):
            # A missing number is NaN here, unequal to itself; `no_missing` decides whether the column accepts one.
            if value != missing and value == value and value not in (allowed or ()):  # noqa: PLR0124
                shown = ", ".join(ascii(item) for item in sorted(allowed or (), key=_order)[:_SHOWN])
                problem = f"{quoted(value)}, which the model has not seen in training"
                remedy = f"It knows {shown}; train it with handle_unknown to accept others."
                raise wrong_value(row, column, problem, remedy)


def _order(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value
