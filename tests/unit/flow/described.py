"""A fitted model served by its description, without a file; and what the library itself answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from modelcote.core.inputs import Inputs, inputs_from_dict, plain_categories
from modelcote.flow.inputs import rows
from modelcote.flow.result import dumps, finish
from modelcote.flow.samples import inputs_of
from modelcote.flow.schema import describe


def described(model: Any, sample: Any = None, categories: Mapping[str, Sequence[Any]] | None = None) -> Inputs:
    """The model's inputs as a manifest's JSON holds them."""
    hints: dict[str, Any] = {"categories": plain_categories(categories)} if categories else {}
    if sample is not None:
        hints["inputs"] = inputs_of(sample).to_dict()
    inputs = describe(model, json.loads(json.dumps(hints)))
    assert inputs_from_dict(json.loads(json.dumps(inputs.to_dict()))) == inputs
    return inputs


def serve(model: Any, method: str, **hints: Any) -> Callable[[Any], Any]:
    """From a request's data to its result."""
    inputs = described(model, **hints)
    return lambda data: answer(getattr(model, method)(rows(json.loads(json.dumps(data)), inputs)))


def answer(result: Any) -> Any:
    """A result as a caller receives it."""
    return json.loads(dumps(finish(result)))


def objects(*rows_: Sequence[Any]) -> np.ndarray[Any, Any]:
    """An array of objects, as `np.array(rows, dtype=object)` makes it from rows."""
    return np.array(rows_, dtype=object)
