"""Pickled dtypes of many parts: each is read once, and there is a limit to how many parts it has."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import joblib
import numpy as np
import pytest

from modelcote.bundle import dtypes
from modelcote.bundle.inspectors import sklearn
from modelcote.bundle.pickles import inspect_pickle
from modelcote.core.errors import InvalidBundle, UnsafePickle


def nested(levels: int) -> Any:
    dtype = np.dtype("f8")
    for _ in range(levels):
        dtype = np.dtype({"names": ["a", "b"], "formats": [dtype, dtype], "offsets": [0, 0]})
    return dtype


def copies() -> Any:
    dtype = np.dtype("f8,U3")
    return [dtype, np.dtype(dtype, copy=True), copy.deepcopy(dtype)]


def test_a_dtype_is_read_once_however_often_it_is_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    read_state = dtypes._read_state
    monkeypatch.setattr(dtypes, "_read_state", lambda *state: (sizes.append(state[1]), read_state(*state))[1])
    inspect_pickle(pickle.dumps(nested(12)), sklearn.ALLOWED)
    assert len(sizes) == 13


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize(
    "dtype",
    [
        nested(16),
        copies(),
        np.dtype([("x", "f8", (1,) * 32)]),
        np.dtype([("x", np.dtype([("y", "O")]), (2, 3)), ("z", "O")]),
        np.dtype([(f"x{i}", "i1") for i in range(4096)]),
        np.dtype([("empty", "f8", (0,))]),
    ],
)
def test_dtypes_of_many_parts_pass(dtype: Any, protocol: int) -> None:
    inspect_pickle(pickle.dumps(dtype, protocol), sklearn.ALLOWED)


@pytest.mark.parametrize("dtype", [nested(17), np.dtype([(f"x{i}", "i1") for i in range(4097)])])
def test_dtypes_of_too_many_parts_are_refused(dtype: Any) -> None:
    with pytest.raises(UnsafePickle, match="more than 64 dimensions, 4,096 fields or 16 levels"):
        inspect_pickle(pickle.dumps(dtype), sklearn.ALLOWED)


def exchanged(stream: bytes, old: bytes, new: bytes) -> bytes:
    """Return the stream with one part exchanged, which must be in it."""
    assert stream.count(old) == 1
    return stream.replace(old, new)


@pytest.mark.parametrize("size", [65, 10**6])
def test_a_subarray_of_too_many_dimensions_is_refused(size: int) -> None:
    stream = pickle.dumps(np.dtype(("f8", (7, 9))), 2)
    with pytest.raises(UnsafePickle, match="more than 64 dimensions"):
        inspect_pickle(exchanged(stream, b"K\x07K\x09\x86", b"(" + b"K\x01" * size + b"t"), sklearn.ALLOWED)


def test_a_length_that_numpy_cannot_hold_is_refused() -> None:
    stream = pickle.dumps(np.dtype(("f8", (0, 9))), 2)
    inspect_pickle(stream, sklearn.ALLOWED)
    with pytest.raises(UnsafePickle, match="not sound"):
        inspect_pickle(exchanged(stream, b"K\x09", b"\x8a\x05" + (2**31).to_bytes(5, "little")), sklearn.ALLOWED)


def test_an_array_of_too_many_dimensions_is_refused() -> None:
    out = io.BytesIO()
    joblib.dump(np.zeros((7, 9), "i1"), out)
    inspect_pickle(out.getvalue(), sklearn.ALLOWED)
    with pytest.raises(InvalidBundle, match="an array without a shape"):
        inspect_pickle(exchanged(out.getvalue(), b"K\x07K\x09\x86", b"(" + b"K\x01" * 65 + b"t"), sklearn.ALLOWED)


# Dtypes as opcodes: of 8 bytes, the first in the memo under 1, its state with fields that hold objects.
_OPEN = b"\x80\x02cnumpy\ndtype\n(X\x02\x00\x00\x00V8\x89\x88tRq\x01"
_OBJECT = b"cnumpy\ndtype\n(X\x02\x00\x00\x00O8\x89\x88tR(I3\nV|\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffI63\ntb"


def structure(field: bytes, flags: int) -> bytes:
    return b"(I3\nV|\nN(Vx\nt}Vx\n" + field + b"K\x00\x86sK\x08K\x01K" + bytes([flags]) + b"tb"


def test_a_field_whose_dtype_is_changed_later_is_refused() -> None:
    objects = structure(_OBJECT, 27)
    inspect_pickle(_OPEN + objects + b".", sklearn.ALLOWED)
    outer = b"cnumpy\ndtype\n(X\x02\x00\x00\x00V8\x89\x88tR" + structure(b"h\x01", 16)
    with pytest.raises(UnsafePickle, match="not sound"):
        inspect_pickle(_OPEN + outer + b"0" + objects + b".", sklearn.ALLOWED)
    with pytest.raises(UnsafePickle, match="after it was used"):  # a dtype within itself
        inspect_pickle(_OPEN + structure(b"h\x01", 16) + b".", sklearn.ALLOWED)
