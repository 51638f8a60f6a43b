"""From `Conduit`'s arguments to checked values: stages, processors, requirements."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelcote.bundle.requirements import CONSTRAINT, check_requirements, decode_requirements, logical_lines
from modelcote.core.errors import InvalidBundle, InvalidSpec
from modelcote.core.flow import Flow, Processor, Processors, Stage, parse_stage

_PLACES = ("pre", "post")
_INCLUDE = re.compile(r"(?P<option>-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+)(?P<file>[^=<>~!]+)")
_MAX_INCLUDES = 16


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


def read_requirements(path: str) -> tuple[str, ...]:
    """Read the lines of a requirements file and of those that it includes, none for an empty path.

    Raises `InvalidSpec`.
    """
    if not path:
        return ()
    file = Path(path).resolve()
    if file.suffix != ".txt" or not file.is_file():
        raise InvalidSpec(
            f"requirements_file must be an existing .txt file, got {path!r}.",
            "Pass the path of a requirements.txt.",
            field="requirements_file",
        )
    try:
        return check_requirements("\n".join(_included(file, ())))
    except InvalidBundle as error:
        raise InvalidSpec(error.detail, error.remedy, field="requirements_file") from error


def _included(file: Path, above: tuple[Path, ...]) -> Iterator[str]:
    """Yield the lines of a requirements file and of those that it names by `-r`, and the constraints of `-c`."""
    if file in above or len(above) > _MAX_INCLUDES:
        raise InvalidBundle(f"{file.name} includes itself.", "Include each requirements file once.")
    if not file.is_file():
        raise InvalidBundle(f"there is no requirements file {file.name}.", f"{above[-1].name} names it: correct it.")
    for line in logical_lines(decode_requirements(file.read_bytes())):
        include = _INCLUDE.fullmatch(line)
        if include is None or "://" in line:
            yield line
            continue
        names = _included((file.parent / include["file"]).resolve(), (*above, file))
        constraint = include["option"] in ("-c", "--constraint")
        yield from (CONSTRAINT + name.removeprefix(CONSTRAINT) for name in names) if constraint else names
