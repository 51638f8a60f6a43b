"""From what a caller gives `Conduit` to checked values: stages, processors, requirements."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelcote.bundle.requirements import check_requirements
from modelcote.core.errors import InvalidBundle, InvalidSpec
from modelcote.core.flow import Flow, Processor, Stage, check_artifact, parse_model_type

_PLACES = ("pre", "post")


def read_flow(given: Any) -> tuple[Flow, dict[str, str]]:
    """The flow, and the path of each artifact by its base name; raises `InvalidSpec`."""
    rows = [given] if isinstance(given, tuple) else given
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise InvalidSpec("flow is empty.", "Give a tuple (model_type, path), or a list of them.", field="flow")
    paths: dict[str, str] = {}
    stages = tuple(_stage(row, paths) for row in rows)
    return Flow(stages), paths


def _stage(row: Any, paths: dict[str, str]) -> Stage:
    if not isinstance(row, tuple | list) or not 2 <= len(row) <= 3:
        raise InvalidSpec(
            "a stage of the flow is not a tuple (model_type, path) or (model_type, path, processors).",
            "Give two or three items per stage.",
            field="flow",
        )
    model_type = parse_model_type(row[0])
    artifact = check_artifact(model_type, str(row[1]) if isinstance(row[1], Path) else row[1])
    if isinstance(artifact, str):
        name = Path(artifact).name
        if paths.setdefault(name, artifact) != artifact:
            raise InvalidSpec(f"two artifacts are called {name}.", "Rename one of them.", field="flow")
        artifact = name
    pre, post = _processors(row[2] if len(row) == 3 else None)
    return Stage(model_type, artifact, pre, post)


def _processors(given: Any) -> tuple[Processor | None, Processor | None]:
    if given is None:
        return None, None
    if callable(given):
        given = {"post": given}
    if not isinstance(given, Mapping) or not set(given) <= set(_PLACES):
        raise InvalidSpec(
            "processors are neither a function nor a dict with the keys pre and post.",
            'Give {"pre": function, "post": function}, or one function for post.',
            field="flow",
        )
    made = [_processor(place, given[place]) if given.get(place) is not None else None for place in _PLACES]
    return made[0], made[1]


def _processor(place: str, function: Callable[..., Any]) -> Processor:
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        raise InvalidSpec(
            f"the {place} processor is not a plain function.", "Define it with `def` in a file.", field="flow"
        )
    takes = inspect.signature(function).parameters
    most = 2 if place == "pre" else 3
    if not 1 <= len(takes) <= most:
        raise InvalidSpec(
            f"the {place} processor {function.__name__} takes {len(takes)} arguments.",
            f"A {place} processor takes 1 to {most}.",
            field="flow",
        )
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise InvalidSpec(
            f"the source of the {place} processor {function.__name__} cannot be found.",
            "Define it in a file, not at a prompt.",
            field="flow",
        ) from error
    return Processor(function.__name__, source)


def read_requirements(path: str) -> tuple[str, ...]:
    """The lines of a requirements file, none for an empty path; raises `InvalidSpec`."""
    if not path:
        return ()
    file = Path(path)
    if file.suffix != ".txt" or not file.is_file():
        raise InvalidSpec(
            f"requirements_file {path!r} is not an existing .txt file.",
            "Give the path of a requirements.txt.",
            field="requirements_file",
        )
    try:
        return check_requirements(file.read_text(encoding="utf-8"))
    except (InvalidBundle, UnicodeDecodeError) as error:
        detail = error.detail if isinstance(error, InvalidBundle) else "requirements_file is not UTF-8 text."
        remedy = error.remedy if isinstance(error, InvalidBundle) else "Save it as UTF-8."
        raise InvalidSpec(detail, remedy, field="requirements_file") from error
