"""What a flow answers, as JSON: arrays as they are for `orjson`, everything else made plain; NaN becomes null."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from modelcote.core.errors import ModelFailed

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_NATIVE = frozenset("fiub")


def finish(value: Any) -> Any:
    """The result by the Conduit rule: arrays, lists and dicts stay, anything else is wrapped in a one-item list."""
    value = _unwrap(value)
    if isinstance(value, np.ndarray):
        return value if value.ndim else [value.item()]
    if isinstance(value, list | dict):
        return value
    return list(value) if isinstance(value, tuple) else [value]


def dumps(value: Any) -> bytes:
    """JSON text; arrays of numbers are written from their own memory. Raises `ModelFailed`."""
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS)
    except TypeError as error:
        raise ModelFailed(
            f"the result is not JSON: {error}.", "Let a post processor return lists, dicts, numbers and texts."
        ) from error


def _unwrap(value: Any) -> Any:
    """Sparse matrices, frames, series and tensors as arrays."""
    if isinstance(value, np.ndarray):
        return value
    for method in ("toarray", "to_numpy", "detach"):
        if callable(getattr(value, method, None)):
            made = getattr(value, method)()
            return np.asarray(made)
    return value


def _plain(value: Any) -> Any:
    """What `orjson` cannot write by itself: other arrays, numpy scalars, sets."""
    value = _unwrap(value)
    if isinstance(value, np.ndarray):
        # Native numbers come here only when they do not lie row by row.
        return np.ascontiguousarray(value) if value.dtype.kind in _NATIVE and value.ndim else value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, set | frozenset):
        return list(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")
