"""One runner per runtime, a module with `load(path, model_type)`: a file becomes a call from input to result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelcote.core.inputs import Inputs


@dataclass(frozen=True)
class Runner:
    """A loaded stage: its inputs as the first of a flow, and the call from input to result.

    `inputs` is None where `modelcote.flow.schema` reads them from the loaded object itself, `model`.
    """

    inputs: Inputs | None
    call: Callable[[Any], Any]
    model: Any
