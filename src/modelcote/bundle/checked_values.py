"""Names that a pickle may use only in the way in which honest models do: what is called, and with which values.

Each would run code, open files or call back anything if it were free: `getattr`, `functools.partial`, or scipy's
distributions, which execute a text of their state while they are loaded (`rv_generic._attach_argparser_methods`).

What is called is a class, or one of the functions here, which libraries have for their pickles (makers). A maker is
never a value: what holds it could call it later, with anything. All other functions are values and are never called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from modelcote.bundle.allow_list import CLASS, words
from modelcote.bundle.dtypes import DTYPE, read_dtype
from modelcote.bundle.library_names import CALLABLES, PANDAS_INDEXES
from modelcote.bundle.symbols import Call, Refused, Symbol, Table, plain_table

_GETATTR, _VECTORIZE = Symbol("builtins", "getattr"), Symbol("numpy", "vectorize")
_LIGHTGBM = Symbol("lightgbm.basic", "Booster")
_DISTRIBUTIONS = ("scipy.stats._continuous_distns", "scipy.stats._discrete_distns", "scipy.stats._levy_stable")
# scipy's own template (`parse_arg_template` of scipy/stats/_distn_infrastructure.py) with names and nothing else in it.
_TEMPLATE = re.compile(
    r"\ndef _parse_args\(self, (?P<names>(?:[A-Za-z_]\w*, )*) (?P<given>loc=0(?:, scale=1)?)\):\n"
    r"    return \((?P=names)\), (?P<passed>loc, (?:scale|1))\n\n"
    r"def _parse_args_rvs\(self, (?P=names) (?P=given), size=None\):\n"
    r"    return self\._argcheck_rvs\((?P=names) (?P=passed), size=size\)\n\n"
    r"def _parse_args_stats\(self, (?P=names) (?P=given), moments='mv'\):\n"
    r"    return \((?P=names)\), (?P=passed), moments\n",
    re.ASCII,
)
# Bound methods that are pickled: of what, and which.
_TEXT_METHODS = words("split rsplit splitlines strip lstrip rstrip lower upper casefold title capitalize swapcase")
_PATTERN_METHODS = words("findall split match search fullmatch")
# The only methods that a stacking estimator calls by a name of its state.
_STACK_METHODS = words("predict predict_proba decision_function transform auto")


def check_call(call: Call) -> None:
    """Raise `Refused` where the call's function may not be called, or not with these arguments."""
    function = call.function
    check = _check_kind if function.name.startswith(_CYTHON) else _CALLS.get(function)
    if check is not None:
        check(call)
    elif function in _OPENERS or is_distribution(function):
        _no_arguments(call)
    elif function.module == "builtins":
        _check_values(call)
    elif not CLASS.fullmatch(function.name) and not _CLASSES.fullmatch(str(function)):
        raise Refused("is called, and not by a class or a function that makes values of pickles")


def check_state(call: Call) -> None:
    """Raise `Refused` where the object may not have this state."""
    if isinstance(call.state, Call | Symbol) or (isinstance(call.state, tuple) and len(call.state) > STATE_PARTS):
        raise Refused("has a state that cannot be read without loading it")
    for state in call.state if isinstance(call.state, tuple) else (call.state,):
        if isinstance(state, Table):
            _check_attributes(state)
    if is_distribution(call.function):
        table = plain_table(call.state)
        template = table.get("_parse_arg_template")
        if not isinstance(template, str) or not _TEMPLATE.fullmatch(template) or "_entropy" in table:
            raise Refused("has code in its state")
    elif call.function in _WITHOUT_STATE:
        raise Refused("has a state, which it has not when a model is saved")
    check = _STATES.get(call.function)
    if check is not None:
        check(call)


def is_maker(function: Symbol) -> bool:
    """Tell whether pickles call it and never hold it."""
    return function in _MAKERS or function.name.startswith(_CYTHON) or is_distribution(function)


def is_distribution(function: Symbol) -> bool:
    """Tell whether it is the class of one of scipy's distributions."""
    return function.module in _DISTRIBUTIONS and function.name.endswith("_gen")


def _check_attributes(state: Table) -> None:
    if state.hidden:
        raise Refused("has an attribute that is not named by a text")
    named = state.get("stack_method_", [])
    if not isinstance(named, list) or not all(isinstance(one, str) and one in _STACK_METHODS for one in named):
        raise Refused("has a stack_method_ that is not a method of estimators")


def _no_arguments(call: Call) -> None:
    if call.arguments:
        raise Refused("is made with arguments")


def _check_getattr(call: Call) -> None:
    owner, name = call.arguments if len(call.arguments) == 2 else (None, None)
    if owner == Symbol("builtins", "str"):
        allowed = name in _TEXT_METHODS
    elif isinstance(owner, Call) and owner.function == Symbol("re", "_compile"):
        allowed = name in _PATTERN_METHODS
    else:
        allowed = isinstance(owner, Call) and is_distribution(owner.function) and name == "_entropy"
    if not isinstance(name, str) or not allowed:
        raise Refused("reads an attribute by its name")


def _check_callable(function: Any) -> None:
    if not isinstance(function, Symbol) or function.name not in CALLABLES.get(function.module, ()):
        raise Refused("calls something that is not a function of scikit-learn's metrics or of numpy")


def _check_partial(call: Call) -> None:
    function = call.arguments[0] if len(call.arguments) == 1 else None
    _check_callable(function)


def _check_partial_state(call: Call) -> None:
    function, arguments = call.state[:2] if isinstance(call.state, tuple) and len(call.state) == 4 else (None, None)
    _check_callable(function)
    if not isinstance(arguments, tuple):
        raise Refused("has a state that cannot be read without loading it")


def _check_vectorize_state(call: Call) -> None:
    function = plain_table(call.state).get("pyfunc")
    if not isinstance(function, Call) or function.function != _GETATTR:
        raise Refused("calls something that is not a distribution's own")


def _check_index(call: Call) -> None:
    kind = call.arguments[0] if call.arguments else None
    if not isinstance(kind, Symbol) or kind.name not in PANDAS_INDEXES or not kind.module.startswith("pandas"):
        raise Refused("makes something that is not an index")
    plain_table(call.arguments[1] if len(call.arguments) == 2 else None)


def _check_plain(call: Call) -> None:
    if any(isinstance(value, list) and len(value) > _ITEMS for value in call.arguments):
        raise Refused(f"names more than {_ITEMS:,} columns")
    values = [one for value in call.arguments for one in (value if isinstance(value, list) else [value])]
    if not all(isinstance(value, str | bytes | int | None) for value in values):
        raise Refused("is called with something that is not a text or a number")


def _check_model_text(call: Call) -> None:
    state = plain_table(call.state)
    if not all(isinstance(state.get(name), str | None) for name in ("_handle", "handle")):
        raise Refused("has a model that is not a text")


def _check_encode(call: Call) -> None:
    if call.arguments[1:] != ("latin1",):
        raise Refused("encodes a text otherwise than pickles do")


def _check_kind(call: Call) -> None:
    """Check that a Cython library makes one of its own types."""
    kind, home = call.arguments[0] if call.arguments else None, call.function.module
    own = "pandas" if home.startswith("pandas.") else home
    if not isinstance(kind, Symbol) or not f"{kind.module}.".startswith(f"{own}.") or not CLASS.fullmatch(kind.name):
        raise Refused("makes something that is not of its own library")


def _check_array(call: Call) -> None:
    if tuple(kind for kind in call.arguments if isinstance(kind, Symbol)) not in _ARRAYS:
        raise Refused("makes something that is not an array")


def _check_random(call: Call) -> None:
    """Check that a random generator is made by its name, or by numpy's own classes and functions."""
    for value in call.arguments:
        maker = value.function if isinstance(value, Call) else value
        if not isinstance(maker, str) and not (isinstance(maker, Symbol) and maker.module.startswith("numpy.random.")):
            raise Refused("makes something that is not a random generator of numpy")


def _check_values(call: Call) -> None:
    for value in call.arguments:
        if isinstance(value, Symbol | Table) or (isinstance(value, Call) and value.function not in _PLAIN):
            raise Refused("is made of something that is not a plain value")


def _check_no_symbols(call: Call) -> None:
    if any(isinstance(value, Symbol) for value in call.arguments):
        raise Refused("is made of something that is not a plain value")


# Cython's own functions for pickles: each checks the type that it is given, and makes nothing else.
_CYTHON = "__pyx_unpickle_"
# Of what may be checked again and again in one stream, so that this stays linear.
_ITEMS, STATE_PARTS = 2_000, 64
_ARRAY = Symbol("numpy", "ndarray")
_ARRAYS = ((_ARRAY,), *((Symbol(module, "MaskedArray"), _ARRAY) for module in ("numpy.ma", "numpy.ma.core")))
_CORE = ("numpy.core.multiarray", "numpy._core.multiarray")
_ENCODE = Symbol("_codecs", "encode")
_PLAIN = (_ENCODE, *(Symbol(module, "scalar") for module in _CORE))
# The classes whose names begin with a small letter.
_CLASSES = re.compile(
    r"datetime\.[a-z]+|collections\.(?:deque|defaultdict)|scipy\.sparse\.[\w.]+_(?:matrix|array)"
    r"|scipy\.stats\._distn_infrastructure\.rv_(?:continuous_|discrete_)?frozen"
    r"|sklearn\.compose\._column_transformer\.make_column_selector",
    re.ASCII,
)
_RANDOM = "numpy.random._pickle"
_CALLS: dict[Symbol, Callable[[Call], Any]] = {
    DTYPE: read_dtype,
    **{Symbol(module, "_reconstruct"): _check_array for module in _CORE},
    Symbol("numpy.ma.core", "_mareconstruct"): _check_array,
    **{Symbol(module, "scalar"): _check_no_symbols for module in _CORE},
    **{Symbol(module, "_frombuffer"): _check_no_symbols for module in ("numpy.core.numeric", "numpy._core.numeric")},
    **{
        Symbol(_RANDOM, name): _check_random
        for name in ("__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor")
    },
    **{
        Symbol(module, "newObj"): _check_kind
        for module in ("sklearn.metrics._dist_metrics", "sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree")
    },
    **{
        Symbol(f"pandas._libs.{module}", name): _check_no_symbols
        for module, name in (
            ("internals", "_unpickle_block"),
            ("tslibs.nattype", "_nat_unpickle"),
            ("tslibs.timedeltas", "_timedelta_unpickle"),
            ("tslibs.timestamps", "_unpickle_timestamp"),
        )
    },
    **{
        Symbol(module, "_convert_to_stringdtype_kwargs"): _check_no_symbols
        for module in ("numpy.core._internal", "numpy._core._internal")
    },
    _GETATTR: _check_getattr,
    Symbol("functools", "partial"): _check_partial,
    _ENCODE: _check_encode,
    Symbol("operator", "itemgetter"): _check_plain,
    Symbol("re", "_compile"): _check_plain,
    **dict.fromkeys(
        (
            Symbol("pandas.core.indexes.base", "_new_Index"),
            Symbol("pandas.core.indexes.datetimes", "_new_DatetimeIndex"),
            Symbol("pandas.core.indexes.interval", "_new_IntervalIndex"),
            Symbol("pandas.core.indexes.timedeltas", "_new_TimedeltaIndex"),
        ),
        _check_index,
    ),
    _VECTORIZE: _no_arguments,
}
# With arguments, these open files and folders.
_OPENERS = frozenset(
    {
        Symbol("xgboost.core", "Booster"),
        _LIGHTGBM,
        Symbol("joblib.memory", "Memory"),
        Symbol("joblib._store_backends", "FileSystemStoreBackend"),
    }
)
# Old numpy hands the last of these to another as a value; all that it makes is a generator.
_MAKERS = (
    _CALLS.keys()
    | {Symbol("joblib.numpy_pickle", "NumpyArrayWrapper")}
    | {Symbol("copyreg", name) for name in ("_reconstructor", "__newobj__", "__newobj_ex__")}
) - {DTYPE, Symbol(_RANDOM, "__bit_generator_ctor")}
# Functions that return what is theirs or another's, which a state would change.
_WITHOUT_STATE = frozenset({_GETATTR, _ENCODE, Symbol("operator", "itemgetter"), Symbol("re", "_compile"), *_PLAIN})
_STATES: dict[Symbol, Callable[[Call], Any]] = {
    DTYPE: read_dtype,
    Symbol("functools", "partial"): _check_partial_state,
    _VECTORIZE: _check_vectorize_state,
    # LightGBM hands it to C; anything but a text could be an address there.
    _LIGHTGBM: _check_model_text,
}
