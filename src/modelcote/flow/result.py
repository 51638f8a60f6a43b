"""A flow's result as JSON: arrays as they are for `orjson`, everything else made plain; NaN becomes null."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from modelcote.core.errors import ModelFailed
from modelcote.core.texts import first_line

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_NATIVE = frozenset("fiub")


def finish(value: Any) -> Any:
    """Apply the Conduit rule: arrays, lists and dicts stay, anything else is wrapped in a one-item list."""
    value = _unwrap(value)
    if isinstance(value, np.ndarray):
        return value if value.ndim else [value.item()]
    if isinstance(value, list | dict):
        return value
    return list(value) if isinstance(value, tuple) else [value]


def dumps(value: Any) -> bytes:
    """Return JSON text, arrays of numbers written from their own memory; raise `ModelFailed` where there is none."""
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS)
    except TypeError as error:
        raise ModelFailed(
            f"the result is not JSON: {first_line(error, 200)}.",
            "Let a post processor return lists, dicts, numbers and texts.",
        ) from error


def _unwrap(value: Any) -> Any:
    """Turn sparse matrices, frames, series and tensors into arrays."""
    if isinstance(value, np.ndarray):
        return value
    for method in ("toarray", "to_numpy", "detach"):
        if callable(getattr(value, method, None)):
            return np.asarray(getattr(value, method)())
    return value


def _plain(value: Any) -> Any:
    """Convert values that `orjson` cannot write by itself: other arrays, numpy scalars, sets."""
    value = _unwrap(value)
    if isinstance(value, np.ndarray):
        # Native numbers get here only when they are not contiguous, row by row.
        return np.ascontiguousarray(value) if value.dtype.kind in _NATIVE and value.ndim else value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, set | frozenset):
        return list(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")
