"""How far two JSON results are apart."""

from __future__ import annotations

import math
from typing import Any


def difference(one: Any, other: Any) -> float:
    """The largest difference between two JSON values: absolute up to 1, relative above; inf for another shape.

    `None` means NaN, as in an answer.
    """
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return math.inf
        return max((difference(*pair) for pair in zip(one, other, strict=True)), default=0.0)
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return math.inf
        return max((difference(one[key], other[key]) for key in one), default=0.0)
    if _is_number(one) and _is_number(other):
        return abs(one - other) / max(1.0, abs(one), abs(other))
    return 0.0 if one == other else math.inf


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
