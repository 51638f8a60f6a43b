"""Rows on either side of a change of the answer: where labels turn, and where steps jump.

They are found with the original alone, by halving the way between two rows with different answers. So they are where
this model decides, whatever it is, at the magnitude of its own data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from modelcote.compile.trees import Array

_PAIRS = 24
_HALVINGS = 29  # 2e-9 of the way; nearer, the original's own rounding decides
_KEPT = (8, 13, 18, 23, _HALVINGS - 1)  # the halvings after which the two rows are kept
_SEED = 2


def rows_at_boundaries(
    answer: Callable[[list[Any]], Any], rows: list[list[Any]], columns: list[int]
) -> list[list[Any]]:
    """Return up to 240 rows at changes of the original's answer: some of `rows`, moved in these numeric `columns`."""
    plain = [row for row in rows if all(isinstance(row[column], int | float) for column in columns)][: 4 * _PAIRS]
    if len(plain) < 2 or not columns:
        return []
    one, other = np.random.default_rng(_SEED).integers(len(plain), size=(2, _PAIRS))
    numbers = np.array([[row[column] for column in columns] for row in plain], dtype=np.float64)
    low, high = numbers[one], numbers[other]

    def moved(to: Array) -> list[list[Any]]:
        changed = [list(plain[place]) for place in one]
        for row, values in zip(changed, to.tolist(), strict=True):
            for column, value in zip(columns, values, strict=True):
                row[column] = value
        return changed

    at_low, at_high = _numbers(answer(moved(low))), _numbers(answer(moved(high)))
    beside: list[list[Any]] = []
    for halving in range(_HALVINGS):
        middle = low + (high - low) / 2
        at = _numbers(answer(moved(middle)))
        upper = (_away(at, at_low) > _away(at, at_high))[:, None]
        low, high = np.where(upper, low, middle), np.where(upper, middle, high)
        at_low, at_high = np.where(upper, at_low, at), np.where(upper, at, at_high)
        if halving in _KEPT:
            beside += [*moved(low), *moved(high)]
    return beside


def _numbers(result: Any) -> Array:
    """Return the answers as a matrix of numbers; a text becomes a number that is always the same."""
    parts = result if isinstance(result, list) else [result]
    dense = [np.asarray(part.toarray() if hasattr(part, "toarray") else part) for part in parts]
    joined = np.concatenate([part.reshape(len(part), -1) for part in dense], axis=1)
    if joined.dtype.kind in "OUS":
        return np.array([[_number_of(value) for value in row] for row in joined.tolist()])
    return joined.astype(np.float64)


def _number_of(label: Any) -> float:
    """Return the same number for the same label."""
    return float(int.from_bytes(str(label).encode()[:6].ljust(6, b"\0")))


def _away(one: Array, other: Array) -> Array:
    with np.errstate(all="ignore"):
        away: Array = np.nan_to_num(np.abs(one - other)).max(axis=1)
    return away
