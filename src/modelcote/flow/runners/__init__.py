"""One runner per family of model types: a file becomes a function from input to result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelcote.flow.inputs import InputSchema


@dataclass(frozen=True)
class Runner:
    """A loaded stage: what it takes as the first of a flow, and the call from input to result.

    `model` is the loaded object itself, for those that look inside (the compiled tier).
    """

    inputs: InputSchema
    call: Callable[[Any], Any]
    model: Any
