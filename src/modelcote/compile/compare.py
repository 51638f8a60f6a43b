"""Comparing two results of the same rows: whether they are equal, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

TOLERANCE = 1e-5  # absolute for probabilities, relative for other numbers
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Comparison:
    """`largest` difference found; `row` is the first row that differs by more than the tolerance, else None."""

    largest: float
    row: int | None = None
    expected: str = ""
    got: str = ""


def compare(expected: Any, got: Any, kind: str) -> Comparison:
    """Compare results by rows; `kind` is `labels` (equal), `shares` (absolute) or `numbers` (relative).

    A number is set against the larger of itself and the middle magnitude of its column, so that a result that
    happens to be near zero needs no more digits than its neighbours.
    """
    if isinstance(expected, list):
        if not isinstance(got, list) or len(got) != len(expected):
            return Comparison(float("inf"), 0, f"{len(expected)} arrays", type(got).__name__)
        parts = [compare(one, other, kind) for one, other in zip(expected, got, strict=True)]
        return min(parts, key=lambda part: (part.row is None, -part.largest))
    one, other = np.asarray(expected), np.asarray(got)
    if one.shape != other.shape:
        return Comparison(float("inf"), 0, f"the shape {one.shape}", f"the shape {other.shape}")
    distance = _different(one, other) if kind == "labels" else _distance(one, other, relative=kind == "numbers")
    per_row = distance.reshape(len(one), -1).max(axis=1) if distance.size else np.zeros(len(one))
    wrong = np.flatnonzero(per_row > TOLERANCE)
    if not len(wrong):
        return Comparison(float(per_row.max(initial=0.0)))
    row = int(wrong[0])
    return Comparison(float(per_row.max()), row, _shown(one[row]), _shown(other[row]))


def _different(one: Array, other: Array) -> Array:
    return np.where(one.astype(object) == other.astype(object), 0.0, np.inf)


def _distance(one: Array, other: Array, *, relative: bool) -> Array:
    one, other = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(all="ignore"):
        away = np.abs(one - other)
        if relative:
            finite = np.isfinite(one)
            size = np.where(finite, np.abs(one), np.nan)
            # A column without any number has the median 0: numpy would warn of it.
            middle = np.nanmedian(np.where(finite.any(axis=0), size, 0.0), axis=0) if finite.any() else 0.0
            floor = np.maximum(np.maximum(np.nan_to_num(size), middle), np.finfo(np.float64).tiny)
            away = away / floor
    # Both missing, or both the same infinity: JSON has null for either.
    same = ~np.isfinite(one) & ~np.isfinite(other)
    return np.where(same, 0.0, np.where(np.isnan(away), np.inf, away))


def _shown(value: Any) -> str:
    return str(np.asarray(value).tolist())[:120]
