"""numpy's dtypes in a pickle, read as numpy reads them: by the type string and by the state, which must agree.

numpy takes the sizes, the fields and the flags of the state as they are, so that a state which disagrees with its
string would have numpy read other bytes than this reader steps over, or bytes as the addresses of objects.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from modelcote.bundle.symbols import Call, Refused, Symbol, Table, plain_table

DTYPE = Symbol("numpy", "dtype")
_TEXT = re.compile(r"b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)|[mM]8|O[48]|[SUV]\d{1,9}", re.ASCII)
_ORDERS = ("<", ">", "|", "=")
_FLEXIBLE = "SUV"
_OBJECT_FLAGS = 63
# numpy's flags NPY_NEEDS_INIT, NPY_NEEDS_PYAPI and NPY_ALIGNED_STRUCT, which say nothing of what the bytes are. Of the
# others, a structure with objects has NPY_ITEM_REFCOUNT and NPY_LIST_PICKLE: its values are a list, not bytes.
_HARMLESS, _STRUCTURE_OF_OBJECTS = 8 | 16 | 128, 1 | 2
_WRONG = "has a dtype that is not sound"
# numpy's NPY_MAXDIMS (32 before numpy 2), and the largest size of a dtype's values, a C int.
MAX_DIMENSIONS, _MAX_LENGTH = 64, 2**31
# Far above what honest models store.
_MAX_FIELDS, _MAX_DEPTH = 4096, 16
_LARGE = f"has a dtype of more than {MAX_DIMENSIONS} dimensions, {_MAX_FIELDS:,} fields or {_MAX_DEPTH} levels"


class Dtype(NamedTuple):
    """The size of one value in bytes, whether it holds objects, and how many levels of dtypes are in it."""

    size: int
    objects: bool
    depth: int = 0


_NOTHING, _UNSOUND = Dtype(0, objects=False), Dtype(-1, objects=True)


def read_dtype(value: Any) -> Dtype:
    """Return what numpy will make of a pickled dtype; raise `Refused` where its string and its state disagree.

    One that has its state is read once: `Call.read` keeps the result, which nothing may change afterwards.
    """
    if not isinstance(value, Call) or value.function != DTYPE:
        raise Refused(_WRONG)
    if not value.built:
        return _read(value)
    if value.read is None:
        value.read = _UNSOUND  # until it has been read to its end, which a dtype within itself never is
        value.read = _read(value)
    dtype: Dtype = value.read
    if dtype is _UNSOUND:
        raise Refused(_WRONG)
    return dtype


def _read(value: Call) -> Dtype:
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
    inner = (_subarray(base, size), _structure(names, fields, size))
    objects, depth = kind == "O" or any(one.objects for one in inner), max(one.depth for one in inner)
    sound = flags == _OBJECT_FLAGS if kind == "O" else flags & ~_HARMLESS == (_STRUCTURE_OF_OBJECTS if objects else 0)
    if not sound:
        raise Refused(_WRONG)
    return Dtype(size, objects, depth)


def _within(value: Any) -> Dtype:
    """Return a dtype within another, as one level: it must have its state, which would change the other later."""
    if not isinstance(value, Call) or not value.built:
        raise Refused(_WRONG)
    inner = read_dtype(value)
    if inner.depth >= _MAX_DEPTH:
        raise Refused(_LARGE)
    return inner._replace(depth=inner.depth + 1)


def _subarray(base: Any, size: int) -> Dtype:
    if base is None:
        return _NOTHING
    if not isinstance(base, tuple) or len(base) != 2:
        raise Refused(_WRONG)
    inner, shape = _within(base[0]), base[1] if isinstance(base[1], tuple) else (base[1],)
    if len(shape) > MAX_DIMENSIONS:
        raise Refused(_LARGE)
    if not all(type(length) is int and 0 <= length < _MAX_LENGTH for length in shape):
        raise Refused(_WRONG)
    if inner.size * math.prod(shape) != size:
        raise Refused(_WRONG)
    return inner


def _structure(names: Any, fields: Any, size: int) -> Dtype:
    if names is None and fields is None:
        return _NOTHING
    table = plain_table(fields)
    # Copies of one dtype have the same names and the same table of fields, which is read once.
    if table.read is None:
        table.frozen, table.read = True, (names, _UNSOUND)
        table.read = names, _fields(names, table)
    whole: Dtype = table.read[1]
    if table.read[0] is not names or whole is _UNSOUND or whole.size > size:
        raise Refused(_WRONG)
    return whole


def _fields(names: Any, table: Table) -> Dtype:
    """Return what the fields are together: as large as the end of the last one."""
    if len(table) > _MAX_FIELDS:
        raise Refused(_LARGE)
    if (
        not isinstance(names, tuple)
        or len(names) != len(table)
        or not all(isinstance(name, str) for name in names)
        or set(names) != set(table)
    ):
        raise Refused(_WRONG)
    whole = _NOTHING
    for field in table.values():
        if not isinstance(field, tuple) or len(field) != 2 or type(field[1]) is not int or field[1] < 0:
            raise Refused(_WRONG)
        inner = _within(field[0])
        end, objects = max(whole.size, field[1] + inner.size), whole.objects or inner.objects
        whole = Dtype(end, objects, max(whole.depth, inner.depth))
    return whole
