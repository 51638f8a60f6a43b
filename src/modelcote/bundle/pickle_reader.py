"""The standard library's interpreter of opcodes with every opcode that would act replaced.

An opcode that would import yields a symbol; one that would call, build or fill an object yields an inert value.
joblib's raw arrays between opcodes are stepped over by what numpy will make of the shape and the dtype that the stream
declares.
"""

from __future__ import annotations

import _compat_pickle
import io
import math
import pickle
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from modelcote.bundle.allow_list import AllowList
from modelcote.bundle.checked_values import STATE_PARTS, check_call, check_state, is_maker
from modelcote.bundle.dtypes import DTYPE, MAX_DIMENSIONS, read_dtype
from modelcote.bundle.refusals import truncated
from modelcote.bundle.symbols import Call, Refused, Symbol, Table
from modelcote.bundle.written import Traces
from modelcote.core.texts import shortened

_WRAPPER = Symbol("joblib.numpy_pickle", "NumpyArrayWrapper")
_WRAPPER_STATE = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
_RECONSTRUCTOR, *_NEWOBJ = (Symbol("copyreg", name) for name in ("_reconstructor", "__newobj__", "__newobj_ex__"))
_OBJECT = Symbol("builtins", "object")
# Protocols 0 and 1 make the objects of a class that extends one of these from a value of it.
_BASES = tuple(Symbol("builtins", name) for name in ("dict", "list", "set", "tuple", "str", "int", "float"))
# Classes of lists: pickle adds values by a method, which any other object could have as an attribute.
_GROWING = (Symbol("collections", "deque"), Symbol("pandas.core.indexes.frozen", "FrozenList"))
# The names with two underscores that honest states hold; others stand in for methods that libraries call.
_DUNDERS = ("__doc__", "__name__")
# Where there is no name for what is called: code of the caller's own, which is read only if it is trusted.
_UNNAMED = Symbol("", "")

# The interpreter in pure Python: its opcodes are a table, which the one in C has not. It has no type stubs.
_Interpreter: Any = pickle._Unpickler


class Reader(_Interpreter):  # type: ignore[misc]
    """The interpreter with every opcode that would act replaced. `refused`: the first value that may not be loaded.

    `inner`: the stream is that of an array of objects inside a joblib file, which plain pickle loads; `read_inner`
    reads such a stream.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(_Interpreter.dispatch)

    def __init__(
        self,
        file: io.BytesIO,
        allowed: AllowList,
        traces: Traces,
        read_inner: Callable[[io.BytesIO], Any],
        *,
        trusted: bool,
        inner: bool,
    ) -> None:
        super().__init__(file)
        self.read_inner = read_inner
        self.file, self.allowed, self.traces, self.trusted, self.inner = file, allowed, traces, trusted, inner
        self.refused: tuple[Any, str] | None = None
        self.checked: set[int] = set()  # lists of states that were checked, which the memo or the state keeps alive

    def refuse(self, value: Any, problem: str) -> None:
        """Note that the value may not be loaded, unless the caller is trusted."""
        if not self.trusted and self.refused is None:
            self.refused = value, problem

    def find_class(self, module: Any, name: Any) -> Symbol:
        if not isinstance(module, str) or not isinstance(name, str):
            raise Refused("names something that is not named by a text")
        if self.proto < 3:
            # As pickle itself translates the names of Python 2.
            same = _compat_pickle.IMPORT_MAPPING.get(module, module), name
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), same)
        symbol = Symbol(module, name)
        self.traces.modules.add(module)
        if not self.allowed.allows(module, name):
            self.refuse(symbol, "")
        return symbol

    def persistent_load(self, _pid: Any) -> Any:
        raise Refused("refers to objects outside itself")

    def call(self, function: Any, arguments: Any) -> Call:
        if not isinstance(function, Symbol) or not isinstance(arguments, tuple):
            call = Call(_UNNAMED, (function, arguments))
            self.refuse(call, "calls something that is not a named function")
            return call
        match function, arguments:
            case (way, (Symbol() as kind, base, state)) if way == _RECONSTRUCTOR and _is_own(base, state):
                function, arguments = kind, ()
            case (way, (Symbol() as kind, *rest)) if way in _NEWOBJ:
                function, arguments = kind, tuple(rest)
        call = Call(function, arguments)
        if function == _RECONSTRUCTOR or function in _NEWOBJ:
            self.refuse(call, "makes an object otherwise than pickle does")
        if function == _WRAPPER and (arguments or self.inner):
            raise Refused("describes an array otherwise than joblib does")
        self.check(call, check_call)
        return call

    def check(self, call: Call, check: Callable[[Call], None]) -> None:
        try:
            check(call)
        except Refused as error:
            self.refuse(call, str(error))

    def check_parts(self, parts: Iterable[Any]) -> None:
        """Refuse, as a part of a value, what may only be called: any code could call it later, with anything."""
        for part in parts:
            if isinstance(part, Call) and part.function == DTYPE:
                part.held = True
            if isinstance(part, Symbol) and is_maker(part):
                self.refuse(part, "is held as a value, and pickles only call it")

    def check_name(self, name: Any) -> None:
        if isinstance(name, str) and name.startswith("__") and name.endswith("__") and name not in _DUNDERS:
            self.refuse(self.stack[-1], f"has a {shortened(name, 40)}, which replaces a method")

    # Opcodes that act -------------------------------------------------------------------------------------------

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self.call(self.stack[-1], arguments)

    def load_newobj_ex(self) -> None:
        named = self.stack.pop()
        if named != {}:
            self.check_parts(named.values() if isinstance(named, Table) else (named,))
            self.stack[-1] = (*self.stack[-1], named)
        self.load_reduce()

    def load_obj(self) -> None:
        first, *rest = self.pop_mark()
        self.check_parts(rest)
        self.append(self.call(first, tuple(rest)))

    def load_inst(self) -> None:
        module, name = (self.readline()[:-1].decode("ascii") for _ in range(2))
        arguments = tuple(self.pop_mark())
        self.check_parts(arguments)
        self.append(self.call(self.find_class(module, name), arguments))

    def load_build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, Call):
            self.refuse(target, "changes a class or a plain value")
            return
        if target.built:
            self.refuse(target, "is given a state twice")
        if target.held:
            self.refuse(target, "is given a state after it was used")
        target.state, target.built = state, True
        self.traces.note_state(state)
        if target.function == _WRAPPER:
            self.skip_array(state)
            return
        self.check(target, check_state)
        for part in state[:STATE_PARTS] if isinstance(state, tuple) else (state,):
            if isinstance(part, Table):
                part.frozen = True
                self.checked.update(id(value) for value in part.values() if isinstance(value, list))

    def load_extension(self) -> None:
        raise Refused("uses the extension registry")

    # Containers: nothing is hashed but texts ----------------------------------------------------------------------

    def load_append(self) -> None:
        self.extend([self.stack.pop()])

    def load_appends(self) -> None:
        self.extend(self.pop_mark())

    def extend(self, values: list[Any]) -> None:
        self.check_parts(values)
        if isinstance(self.stack[-1], list):
            if id(self.stack[-1]) in self.checked:
                raise Refused("changes a value after it was given away")
            self.stack[-1].extend(values)
        elif not isinstance(self.stack[-1], Call) or self.stack[-1].function not in _GROWING:
            self.refuse(self.stack[-1], "has values added to it, and is not a list")

    def load_parts(self, load: Callable[[Any], None]) -> None:
        """Have the interpreter make a tuple or a list, and check what is in it."""
        load(self)
        self.check_parts(self.stack[-1])

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.fill([key, value])

    def load_setitems(self) -> None:
        self.fill(self.pop_mark())

    def load_empty_dictionary(self) -> None:
        self.append(Table())

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append(Table())
        self.fill(items)

    def load_additems(self) -> None:
        self.check_parts(self.pop_mark())
        if not isinstance(self.stack[-1], set):
            self.refuse(self.stack[-1], "has values added to it, and is not a set")

    def load_frozenset(self) -> None:
        items = self.pop_mark()  # It changes what `append` is bound to.
        self.check_parts(items)
        self.append(tuple(items))

    def fill(self, items: list[Any]) -> None:
        table = self.stack[-1]
        self.check_parts(items)
        for name in items[::2]:
            self.check_name(name)
        if not isinstance(table, Table):
            return
        if table.frozen:
            raise Refused("changes a value after it was given away")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, str):
                table[key] = value
            else:
                table.hidden = True

    # joblib ---------------------------------------------------------------------------------------------------------

    def skip_array(self, state: Any) -> None:
        """Step over the raw bytes (or the inner pickle) that follow an array's description."""
        if not isinstance(state, Table) or state.hidden or not set(state) <= _WRAPPER_STATE:
            raise Refused("describes an array otherwise than joblib does")
        shape, dtype = state.get("shape"), read_dtype(state.get("dtype"))
        if (
            not isinstance(shape, tuple)
            or len(shape) > MAX_DIMENSIONS
            or not all(type(size) is int and 0 <= size < 2**40 for size in shape)
        ):
            raise Refused("has an array without a shape")
        if dtype.objects:
            self.read_inner(self.file)
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            (padding,) = self.file.read(1) or (0,)
            self.file.seek(padding, io.SEEK_CUR)
        size = math.prod(shape) * dtype.size
        if size > len(self.file.getbuffer()) - self.file.tell():
            raise truncated()
        self.file.seek(size, io.SEEK_CUR)


_OPCODES: dict[str, Callable[[Any], None]] = {
    "REDUCE": Reader.load_reduce,
    "NEWOBJ": Reader.load_reduce,
    "NEWOBJ_EX": Reader.load_newobj_ex,
    "OBJ": Reader.load_obj,
    "INST": Reader.load_inst,
    "BUILD": Reader.load_build,
    "EXT1": Reader.load_extension,
    "EXT2": Reader.load_extension,
    "EXT4": Reader.load_extension,
    "APPEND": Reader.load_append,
    "APPENDS": Reader.load_appends,
    "SETITEM": Reader.load_setitem,
    "SETITEMS": Reader.load_setitems,
    "EMPTY_DICT": Reader.load_empty_dictionary,
    "DICT": Reader.load_dict,
    "ADDITEMS": Reader.load_additems,
    "FROZENSET": Reader.load_frozenset,
    **{
        name: partial(Reader.load_parts, load=_Interpreter.dispatch[getattr(pickle, name)[0]])
        for name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "LIST")
    },
}
for _name, _method in _OPCODES.items():
    Reader.dispatch[getattr(pickle, _name)[0]] = _method


def _is_own(base: Any, state: Any) -> bool:
    """Tell whether `copyreg._reconstructor` makes an object of a class with this base, and nothing else."""
    return state is None if base == _OBJECT else base in _BASES and not isinstance(state, Call | Symbol)
