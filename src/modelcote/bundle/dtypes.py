"""numpy's dtypes in a pickle, read as numpy reads them: by the type string and by the state, which must agree.

numpy takes the sizes, the fields and the flags of the state as they are, so that a state which disagrees with its
string would have numpy read other bytes than this reader steps over, or bytes as the addresses of objects.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from modelcote.bundle.symbols import Call, Refused, Symbol, plain_table

DTYPE = Symbol("numpy", "dtype")
_TEXT = re.compile(r"b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)|[mM]8|O[48]|[SUV]\d{1,9}", re.ASCII)
_ORDERS = ("<", ">", "|", "=")
_FLEXIBLE = "SUV"
_OBJECT_FLAGS = 63
# numpy's flags NPY_NEEDS_INIT, NPY_NEEDS_PYAPI and NPY_ALIGNED_STRUCT, which say nothing of what the bytes are. Of the
# others, a structure with objects has NPY_ITEM_REFCOUNT and NPY_LIST_PICKLE: its values are a list, not bytes.
_HARMLESS, _STRUCTURE_OF_OBJECTS = 8 | 16 | 128, 1 | 2
_WRONG = "has a dtype that is not sound"


class Dtype(NamedTuple):
    """The size of one value in bytes, and whether it holds objects."""

    size: int
    objects: bool


def read_dtype(value: Any) -> Dtype:
    """Return what numpy will make of a pickled dtype; raise `Refused` where its string and its state disagree."""
    if not isinstance(value, Call) or value.function != DTYPE:
        raise Refused(_WRONG)
    text = value.arguments[0] if len(value.arguments) == 3 else None
    # The string, no alignment, a copy: without the copy, the state would be numpy's own dtype's.
    if not isinstance(text, str) or not _TEXT.fullmatch(text) or value.arguments[1:] != (0, 1):
        raise Refused(_WRONG)
    kind, size = text[0], int(text[1:]) * (4 if text[0] == "U" else 1)
    return _read_state(kind, size, value.state) if value.built else Dtype(size, kind == "O")


def _read_state(kind: str, size: int, state: Any) -> Dtype:
    if not isinstance(state, tuple) or len(state) not in (8, 9) or state[0] not in (3, 4) or state[1] not in _ORDERS:
        raise Refused(_WRONG)
    _, _, base, names, fields, elsize, _, flags = state[:8]
    if (
        type(elsize) is not int
        or elsize not in ((size,) if kind in _FLEXIBLE else (-1, size))
        or type(flags) is not int
    ):
        raise Refused(_WRONG)
    if kind != "V" and (base, names, fields) != (None, None, None):
        raise Refused(_WRONG)
    objects = kind == "O" or _subarray_objects(base, size) or _field_objects(names, fields, size)
    sound = flags == _OBJECT_FLAGS if kind == "O" else flags & ~_HARMLESS == (_STRUCTURE_OF_OBJECTS if objects else 0)
    if not sound:
        raise Refused(_WRONG)
    return Dtype(size, objects)


def _subarray_objects(base: Any, size: int) -> bool:
    if base is None:
        return False
    if not isinstance(base, tuple) or len(base) != 2:
        raise Refused(_WRONG)
    inner, shape = read_dtype(base[0]), base[1] if isinstance(base[1], tuple) else (base[1],)
    if not all(type(length) is int and length >= 0 for length in shape) or inner.size * math.prod(shape) != size:
        raise Refused(_WRONG)
    return inner.objects


def _field_objects(names: Any, fields: Any, size: int) -> bool:
    if names is None and fields is None:
        return False
    table = plain_table(fields)
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names) or set(names) != set(table):
        raise Refused(_WRONG)
    table.frozen, objects = True, False
    for field in table.values():
        inner = read_dtype(field[0]) if isinstance(field, tuple) and len(field) == 2 else None
        if inner is None or type(field[1]) is not int or not 0 <= field[1] <= size - inner.size:
            raise Refused(_WRONG)
        objects = objects or inner.objects
    return objects
