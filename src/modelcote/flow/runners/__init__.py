"""One runner per runtime, a module with `load(path, model_type)`: a file becomes a call from input to result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelcote.flow.inputs import InputSchema


@dataclass(frozen=True)
class Runner:
    """A loaded stage: its inputs as the first of a flow, and the call from input to result.

    `model` is the loaded object itself, for those that look inside (the compiled tier).
    """

    inputs: InputSchema
    call: Callable[[Any], Any]
    model: Any
