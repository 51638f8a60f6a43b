"""Streams that name nothing but what honest models name, and would run code when they are loaded: each is refused."""

from __future__ import annotations

import struct

import pytest
import scipy.stats

from modelcote.bundle.inspectors.sklearn import ALLOWED
from modelcote.bundle.pickles import inspect_pickle
from modelcote.core.errors import UnsafePickle

EVIL = scipy.stats.norm._parse_arg_template + "\nraise SystemExit"


def name(path: str) -> bytes:
    module, _, attribute = path.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def tuple_of(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + tuple_of(*arguments) + b"R"


def new(kind: bytes, *arguments: bytes) -> bytes:
    return kind + tuple_of(*arguments) + b"\x81"


def state(**members: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in members.items()) + b"u"


def build(target: bytes, content: bytes) -> bytes:
    return target + content + b"b"


NORM, DUMMY = name("scipy.stats._continuous_distns.norm_gen"), name("sklearn.dummy.DummyClassifier")
STACK = name("sklearn.ensemble._stacking.StackingRegressor")
GETATTR, WRAPPER = name("builtins.getattr"), name("joblib.numpy_pickle.NumpyArrayWrapper")
NEW_OBJECT, RECONSTRUCTOR = name("sklearn.neighbors._kd_tree.newObj"), name("copyreg._reconstructor")
DTYPE = call(name("numpy.dtype"), text("V8"), b"\x89", b"\x88")
OBJECTS = call(name("numpy.dtype"), text("O8"), b"\x89", b"\x88")
CODE = state(_parse_arg_template=text(EVIL))
STREAMS = {
    "code in a distribution": build(new(NORM), CODE),
    "a distribution by another maker": build(call(NEW_OBJECT, NORM), CODE),
    "a distribution as its own base": build(call(RECONSTRUCTOR, NORM, NORM, b"K\x01"), CODE),
    "a distribution out of an array function": build(call(name("numpy.max"), b"](" + new(NORM) + b"e"), CODE),
    "a distribution held by another": build(
        call(GETATTR, build(new(NORM), state(_entropy=new(NORM))), text("_entropy")), CODE
    ),
    "getattr held by an estimator": build(
        new(DUMMY), state(**{"__new__": GETATTR, "__init__": name("builtins.slice")})
    ),
    "getattr held in a list": b"](" + GETATTR + b"e",
    "a method of an object's state": build(new(DUMMY), state(__array_interface__=state())),
    "an estimator as a class": call(name("copyreg.__newobj__"), build(new(DUMMY), state(n_outputs_=b"K\x01"))),
    "a partial by another maker": call(RECONSTRUCTOR, name("functools.partial"), name("builtins.object"), b"N"),
    "an array's wrapper by another maker": call(NEW_OBJECT, WRAPPER),
    "an array of an estimator": call(name("numpy.array"), new(DUMMY)),
    "a state that is called": build(new(STACK), call(name("collections.OrderedDict"))),
    "a state that changes afterwards": build(new(STACK), state(stack_method_=b"]q\x05"))
    + b"0h\x05("
    + text("x")
    + b"e",
    "a dtype that changes under its array": DTYPE
    + b"q\x01]h\x01a0h\x01"
    + tuple_of(
        b"K\x03",
        text("|"),
        b"N",
        tuple_of(text("a")),
        state(a=tuple_of(OBJECTS, b"K\x00")),
        b"K\x08",
        b"K\x01",
        b"K\x1b",
    )
    + b"b",
    "values added by an attribute": build(new(DUMMY), state(extend=name("numpy.sum"))) + b"(K\x01e",
}


@pytest.mark.parametrize("body", STREAMS.values(), ids=STREAMS)
def test_what_would_run_code_is_refused(body: bytes) -> None:
    with pytest.raises(UnsafePickle):
        inspect_pickle(b"\x80\x04" + body + b".", ALLOWED)


def test_the_parts_of_these_streams_are_sound() -> None:
    honest = build(new(DUMMY), state(n_outputs_=b"K\x01", constant=b"](K\x01e"))
    assert inspect_pickle(b"\x80\x04" + tuple_of(honest, name("numpy.sum")) + b".", ALLOWED) is not None
