"""Errors about an artifact: what it holds, where, and what to do. `inspect_artifact` adds the file's name."""

from __future__ import annotations

import sys
from typing import Any

from modelcote.bundle.symbols import Call, Symbol
from modelcote.core.contents import ONNX, XGBOOST, content_of
from modelcote.core.errors import InvalidBundle, UnsafePickle
from modelcote.core.texts import shortened

_OURS = frozenset({"sklearn", "scipy", "numpy", "pandas", "xgboost", "lightgbm", "joblib"})
_OWN = "If the file is your own, deploy it with trusted=True."
_SAVE_AGAIN = "Save the model again, and copy the whole file."


def refusal(value: Any, problem: str, place: str) -> UnsafePickle:
    """Return the error for a value of a pickle that may not be loaded.

    `problem`: what is wrong with it; empty for a global that is not on the allow-list. `place`: where in the model.
    """
    symbol = value.function if isinstance(value, Call) else value
    named = isinstance(symbol, Symbol) and bool(symbol.name)
    where = f" at {shortened(place, 120)}" if place else ""
    if not problem:
        return UnsafePickle(f"names {shortened(str(symbol), 160)}{where}.", _remedy(symbol))
    what = f"names {shortened(str(symbol), 160)}{where}, which {problem}" if named else problem
    return UnsafePickle(f"{what}.", _OWN)


def _remedy(symbol: Symbol) -> str:
    package = symbol.module.partition(".")[0]
    if package in ("__main__", "__mp_main__"):
        return (
            f"{symbol.name} is defined in your script, which the endpoint does not have: "
            "save the model with cloudpickle, and deploy it with trusted=True."
        )
    if package == "cloudpickle":
        return f"The file holds code by value. {_OWN}"
    if package in _OURS:
        return _OWN
    if package in sys.stdlib_module_names or package in ("__builtin__", "nt", "os2"):
        return "A fitted model does not need it: deploy it only if you wrote the file, with trusted=True."
    return (
        f"If {shortened(ascii(package)[1:-1], 60)} is published, name it in requirements_file and deploy with "
        "trusted=True; if it is your own, save the model with cloudpickle after "
        "cloudpickle.register_pickle_by_value(module)."
    )


def empty() -> InvalidBundle:
    """Return the error for a file without content."""
    return InvalidBundle("is empty.", _SAVE_AGAIN)


def truncated() -> InvalidBundle:
    """Return the error for a file that ends too early."""
    return InvalidBundle("is truncated: it ends in the middle.", _SAVE_AGAIN)


_BY_CONTENT = {XGBOOST: "Deploy it as XGBOOST_CLASSIFIER or XGBOOST_REGRESSOR.", ONNX: "Deploy it as ONNX."}


def not_a(kind: str, head: bytes, remedy: str = "Save the fitted model with pickle or joblib.") -> InvalidBundle:
    """Return the error for a file that is not of the kind; `head`: its first bytes, which may tell what it is."""
    content = content_of(head)
    remedy = remedy if content == kind else _BY_CONTENT.get(content, remedy)
    if content in ("", kind):
        return InvalidBundle(f"is not {kind}, or is damaged.", remedy)
    return InvalidBundle(f"is {content}, not {kind}.", remedy)
