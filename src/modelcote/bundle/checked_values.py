"""Names that a pickle may use only in the way in which honest models do: what is called, and with which values.

Each would run code, open files or call back anything if it were free: `getattr`, `functools.partial`, or scipy's
distributions, which execute a text of their state while they are loaded (`rv_generic._attach_argparser_methods`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from modelcote.bundle.allow_list import words
from modelcote.bundle.dtypes import DTYPE, read_dtype
from modelcote.bundle.library_names import CALLABLES, PANDAS_INDEXES
from modelcote.bundle.symbols import Call, Refused, Symbol, Table, plain_table

_GETATTR, _VECTORIZE = Symbol("builtins", "getattr"), Symbol("numpy", "vectorize")
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
    """Raise `Refused` where the call's function may not be called with these arguments."""
    if is_distribution(call.function):
        _no_arguments(call)
    check = _CALLS.get(call.function)
    if check is not None:
        check(call)


def check_state(call: Call) -> None:
    """Raise `Refused` where the object may not have this state."""
    for state in call.state if isinstance(call.state, tuple) else (call.state,):
        if isinstance(state, Table):
            _check_attributes(state)
    if is_distribution(call.function):
        template = plain_table(call.state).get("_parse_arg_template")
        if not isinstance(template, str) or not _TEMPLATE.fullmatch(template):
            raise Refused("has code in its state")
    check = _STATES.get(call.function)
    if check is not None:
        check(call)


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
    values = [one for value in call.arguments for one in (value if isinstance(value, list) else [value])]
    if not all(isinstance(value, str | bytes | int | None) for value in values):
        raise Refused("is called with something that is not a text or a number")


def _check_encode(call: Call) -> None:
    if call.arguments[1:] != ("latin1",):
        raise Refused("encodes a text otherwise than pickles do")


_CALLS: dict[Symbol, Callable[[Call], Any]] = {
    DTYPE: read_dtype,
    _GETATTR: _check_getattr,
    Symbol("functools", "partial"): _check_partial,
    Symbol("_codecs", "encode"): _check_encode,
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
    # With arguments, these open files and folders, or call anything.
    **dict.fromkeys(
        (
            Symbol("xgboost.core", "Booster"),
            Symbol("joblib.memory", "Memory"),
            Symbol("joblib._store_backends", "FileSystemStoreBackend"),
            _VECTORIZE,
        ),
        _no_arguments,
    ),
}
_STATES: dict[Symbol, Callable[[Call], Any]] = {
    DTYPE: read_dtype,
    Symbol("functools", "partial"): _check_partial_state,
    _VECTORIZE: _check_vectorize_state,
}
