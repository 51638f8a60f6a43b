"""Models that have a converter which does not compute what they do, and the trait that it neglects.

No comparison decides about these: what differs shows on few rows. Each entry was found by `make search`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from modelcote.compile.report import Unsupported

# class -> (whether a model of it has the trait, the trait)
_EXCLUDED: dict[str, tuple[Callable[[Any], bool], str]] = {}


def check_models(models: Sequence[Any]) -> None:
    """Raise `Unsupported` for the first model, or model inside one, that is not converted as it computes."""
    for model in _all_parts(models):
        has_trait, trait = _EXCLUDED.get(type(model).__name__, (None, ""))
        if has_trait is not None and has_trait(model):
            raise Unsupported(trait)


def _all_parts(models: Sequence[Any]) -> Iterator[Any]:
    """Yield the models and all estimators that their attributes hold, at any depth."""
    waiting, seen = list(models), set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, np.ndarray):
            waiting += part.ravel().tolist() if part.dtype == object else []
        elif hasattr(part, "get_params") and not isinstance(part, type):
            yield part
            waiting += vars(part).values()
