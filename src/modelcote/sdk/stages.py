"""From `Conduit`'s arguments to checked values: stages and processors."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelcote.core.errors import InvalidSpec
from modelcote.core.flow import Flow, Processor, Processors, Stage, parse_stage

_PLACES = ("pre", "post")


def read_flow(flow: Any) -> tuple[Flow, dict[str, str]]:
    """Return the flow, and the path of each artifact by its base name; raise `InvalidSpec`."""
    rows = [flow] if isinstance(flow, tuple) else flow
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise InvalidSpec("flow has no stages.", "Pass a tuple (model_type, path), or a list of them.", field="flow")
    paths: dict[str, str] = {}
    stages = tuple(_stage(row, paths) for row in rows)
    return Flow(stages), paths


def _stage(row: Any, paths: dict[str, str]) -> Stage:
    stage = parse_stage(row, _processors)
    if not stage.file:
        return stage
    name = Path(stage.file).name
    if paths.setdefault(name, stage.file) != stage.file:
        raise InvalidSpec(f"flow has two different artifacts named {name}.", "Rename one of them.", field="flow")
    return replace(stage, artifact=name)


def _processors(functions: Any) -> Processors:
    if functions is None:
        return None, None
    if callable(functions):
        functions = {"post": functions}
    if not isinstance(functions, Mapping) or not set(functions) <= set(_PLACES):
        raise InvalidSpec(
            "processors must be a function or a dict with the keys pre and post.",
            'Pass {"pre": function, "post": function}, or one function for post.',
            field="flow",
        )
    pre, post = (functions.get(place) for place in _PLACES)
    return _processor("pre", pre), _processor("post", post)


def _processor(place: str, function: Callable[..., Any] | None) -> Processor | None:
    if function is None:
        return None
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        raise InvalidSpec(
            f"the {place} processor must be a plain function.", "Define it with `def` in a file.", field="flow"
        )
    parameters = inspect.signature(function).parameters
    most = 2 if place == "pre" else 3
    if not 1 <= len(parameters) <= most:
        raise InvalidSpec(
            f"the {place} processor {function.__name__} has {len(parameters)} parameters.",
            f"A {place} processor has 1 to {most}.",
            field="flow",
        )
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise InvalidSpec(
            f"the source code of the {place} processor {function.__name__} is not available.",
            "Define it in a file, not at the interactive prompt.",
            field="flow",
        ) from error
    return Processor(function.__name__, source)
