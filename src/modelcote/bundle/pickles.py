"""Reading a pickle without running it: every opcode is followed, every call and every class is only a symbol.

The stream is read by the standard library's own interpreter of opcodes, so that there is no second opinion on what
a stream means. An opcode that would import yields a symbol if the allow-list has it and ends the reading if not; one
that would call, build or fill an object yields an inert value. joblib's raw arrays between opcodes are stepped over
by the shape and dtype that the stream itself declares.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from modelcote.bundle.allow_list import AllowList
from modelcote.bundle.streams import decompress
from modelcote.bundle.written import Traces
from modelcote.core.errors import InvalidBundle, UnsafePickle

_DTYPE = re.compile(r"[<>|=]?[?bBiufcmMSUV](\d+)?")
_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")


@dataclass(frozen=True, eq=False)
class Symbol:
    """A class or a function that the stream names."""

    module: str
    name: str


@dataclass(eq=False)
class Call:
    """The inert result of a call in the stream."""

    function: Symbol
    arguments: Any
    state: Any = None


# The interpreter in pure Python: its opcodes are a table, which the one in C has not. It has no type stubs.
_Interpreter: Any = pickle._Unpickler


class _Reader(_Interpreter):  # type: ignore[misc]
    """The interpreter with every opcode that would act replaced."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(_Interpreter.dispatch)

    def __init__(self, file: io.BytesIO, allowed: AllowList, trusted: bool, traces: Traces) -> None:
        super().__init__(file)
        self.file = file
        self.allowed = allowed
        self.trusted = trusted
        self.traces = traces

    def find_class(self, module: Any, name: Any) -> Symbol:
        if not isinstance(module, str) or not isinstance(name, str):
            raise UnsafePickle("the pickle names a global by something other than a text.", _REMEDY)
        if not self.trusted and not self.allowed.allows(module, name):
            raise UnsafePickle(f"the pickle names {ascii(module)[1:-1]}.{ascii(name)[1:-1]}."[:200], _REMEDY)
        self.traces.modules.add(module)
        return Symbol(module, name)

    def persistent_load(self, _pid: Any) -> Any:
        raise UnsafePickle("the pickle refers to objects outside itself.", _REMEDY)

    def call(self, function: Any, arguments: Any) -> Call:
        if not isinstance(function, Symbol):
            raise UnsafePickle("the pickle calls something that is not a named function.", _REMEDY)
        return Call(function, arguments)

    # Opcodes that act -------------------------------------------------------------------------------------------

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self.call(self.stack[-1], arguments)

    def load_newobj_ex(self) -> None:
        self.stack.pop()
        self.load_reduce()

    def load_obj(self) -> None:
        first, *rest = self.pop_mark()
        self.append(self.call(first, rest))

    def load_inst(self) -> None:
        module, name = (self.readline()[:-1].decode("ascii") for _ in range(2))
        self.append(self.call(self.find_class(module, name), self.pop_mark()))

    def load_build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, Call):
            raise UnsafePickle("the pickle changes a class or a plain value.", _REMEDY)
        target.state = state
        self.traces.note_state(state)
        if (target.function.module, target.function.name) == _WRAPPER:
            self.skip_array(state)

    def load_extension(self) -> None:
        raise UnsafePickle("the pickle uses the extension registry.", _REMEDY)

    # Containers: only what an array's description needs is kept; nothing is hashed but texts --------------------------

    def load_append(self) -> None:
        value = self.stack.pop()
        if isinstance(self.stack[-1], list):
            self.stack[-1].append(value)

    def load_appends(self) -> None:
        values = self.pop_mark()
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(values)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.fill([key, value])

    def load_setitems(self) -> None:
        self.fill(self.pop_mark())

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self.fill(items)

    def load_additems(self) -> None:
        self.pop_mark()

    def load_frozenset(self) -> None:
        self.append(tuple(self.pop_mark()))

    def fill(self, items: list[Any]) -> None:
        values = {key: value for key, value in zip(items[::2], items[1::2], strict=True) if isinstance(key, str)}
        if isinstance(self.stack[-1], dict):
            self.stack[-1].update(values)

    # joblib ---------------------------------------------------------------------------------------------------------

    def skip_array(self, state: Any) -> None:
        """Step over the raw bytes (or the inner pickle) that follow an array's description."""
        if not isinstance(state, dict):
            raise UnsafePickle("an array of the pickle has no description.", _REMEDY)
        shape, dtype = state.get("shape"), _dtype(state.get("dtype"))
        if not isinstance(shape, tuple) or not all(type(size) is int and 0 <= size < 2**40 for size in shape):
            raise UnsafePickle("an array of the pickle has no shape.", _REMEDY)
        if dtype == "O":
            read_pickle(self.file, self.allowed, self.traces, trusted=self.trusted)
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            (padding,) = self.file.read(1) or (0,)
            self.file.seek(padding, io.SEEK_CUR)
        size = math.prod(shape) * _item_size(dtype)
        before = self.file.tell()
        if size > len(self.file.getbuffer()) - before:
            raise InvalidBundle("the pickle is truncated inside an array.", "Save and upload the model again.")
        self.file.seek(size, io.SEEK_CUR)


_REMEDY = "Train it with importable scikit-learn or XGBoost classes only, or deploy it with trusted=True."
for _name, _method in {
    "REDUCE": _Reader.load_reduce,
    "NEWOBJ": _Reader.load_reduce,
    "NEWOBJ_EX": _Reader.load_newobj_ex,
    "OBJ": _Reader.load_obj,
    "INST": _Reader.load_inst,
    "BUILD": _Reader.load_build,
    "EXT1": _Reader.load_extension,
    "EXT2": _Reader.load_extension,
    "EXT4": _Reader.load_extension,
    "APPEND": _Reader.load_append,
    "APPENDS": _Reader.load_appends,
    "SETITEM": _Reader.load_setitem,
    "SETITEMS": _Reader.load_setitems,
    "DICT": _Reader.load_dict,
    "ADDITEMS": _Reader.load_additems,
    "FROZENSET": _Reader.load_frozenset,
}.items():
    _Reader.dispatch[getattr(pickle, _name)[0]] = _method


def _dtype(value: Any) -> str:
    """Return the type string of a pickled numpy dtype: `f8`, `O`, `U12`; raise `UnsafePickle` for one with objects."""
    arguments = value.arguments if isinstance(value, Call) else ()
    text = arguments[0] if isinstance(arguments, tuple) and arguments else None
    if isinstance(text, str) and (text.lstrip("<>|=") in ("O", "O8")):
        return "O"
    if isinstance(text, str) and _DTYPE.fullmatch(text) and not text.startswith("V"):
        return text
    if isinstance(text, str) and text.startswith("V") and text[1:].isdigit() and not _has_objects(value.state):
        return text
    raise UnsafePickle("an array of the pickle has a dtype that is not supported.", _REMEDY)


def _has_objects(state: Any) -> bool:
    """Tell whether a structured dtype's fields might hold objects; only fields of plain numbers surely do not."""
    fields = state[4] if isinstance(state, tuple) and len(state) > 4 else None
    if not isinstance(fields, dict):
        return True
    for field in fields.values():
        inner = field[0] if isinstance(field, tuple) and field else None
        text = inner.arguments[0] if isinstance(inner, Call) and inner.arguments else None
        if not isinstance(text, str) or not _DTYPE.fullmatch(text) or text.startswith("V"):
            return True
    return False


def _item_size(dtype: str) -> int:
    digits = re.sub(r"\D", "", dtype)
    return int(digits or 1) * (4 if "U" in dtype else 1)


def read_pickle(file: io.BytesIO, allowed: AllowList, traces: Traces, *, trusted: bool) -> Any:
    """Follow one pickle of a stream, noting versions in `traces`; raise `UnsafePickle` and `InvalidBundle`."""
    try:
        return _Reader(file, allowed, trusted, traces).load()
    except InvalidBundle:
        raise
    except Exception as error:  # a hostile stream breaks the interpreter in every way that Python can be broken
        raise InvalidBundle(
            f"an artifact is not a sound pickle ({type(error).__name__}).", "Save and upload the model again."
        ) from error


def inspect_pickle(data: bytes, allowed: AllowList, *, trusted: bool = False) -> dict[str, str]:
    """Check every pickle of an artifact, compressed or not, one after the other to its last byte; return its needs.

    Needs are distribution -> version specifier (`modelcote.bundle.written`). Raises `UnsafePickle` for a global
    outside the allow-list, `InvalidBundle` for a file that is not a pickle.
    """
    traces = Traces()
    _inspect(data, allowed, traces, trusted)
    return traces.needs()


def _inspect(data: bytes, allowed: AllowList, traces: Traces, trusted: bool) -> None:
    plain = decompress(data)
    file = io.BytesIO(plain)
    if not plain:
        raise InvalidBundle("an artifact is empty.", "Save and upload the model again.")
    while file.tell() < len(plain):
        start = file.tell()
        rest = plain[start:]
        inner = decompress(rest) if start else rest
        if inner is not rest:
            _inspect(inner, allowed, traces, trusted)
            return
        read_pickle(file, allowed, traces, trusted=trusted)
