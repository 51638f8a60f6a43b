"""A flow: stages of model types, each with an optional `pre` and `post` processor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import PurePath
from typing import Any

from modelcote.core.errors import InvalidSpec
from modelcote.core.runtimes import MODEL_TYPES, RUNTIMES, BaseModelType, ModelType, served_runtimes, suffix_of
from modelcote.core.texts import quoted


@dataclass(frozen=True)
class Processor:
    """A `pre` or `post` function as it travels: its name and its source text (one top-level `def`)."""

    name: str
    source: str


# `pre` and `post`.
Processors = tuple[Processor | None, Processor | None]


@dataclass(frozen=True)
class Stage:
    """One stage: a file's base name in the bundle (or a folder's), or the arguments of a Hugging Face pipeline."""

    model_type: BaseModelType
    artifact: str | Mapping[str, Any]
    pre: Processor | None = None
    post: Processor | None = None

    @property
    def file(self) -> str:
        """The artifact's base name; empty for a Hugging Face stage, which has none."""
        return self.artifact if isinstance(self.artifact, str) else ""

    @property
    def has_processors(self) -> bool:
        return self.pre is not None or self.post is not None


@dataclass(frozen=True)
class Flow:
    """Stages run in order, each fed the previous one's output."""

    stages: tuple[Stage, ...]

    @property
    def runtime(self) -> str:
        """The runtime that serves every stage of this flow."""
        return max((stage.model_type.runtime for stage in self.stages), key=lambda name: RUNTIMES[name].rank)

    @property
    def compilable(self) -> bool:
        """Whether the compiled tier may serve it: stages that the compiler knows, without processors."""
        return all(RUNTIMES[stage.model_type.runtime].compilable and not stage.has_processors for stage in self.stages)


def parse_model_type(value: object) -> BaseModelType:
    """Return the model type of that value or name; raise `InvalidSpec` that lists the names."""
    by_name = {member.name: member for member in MODEL_TYPES.values()}
    if isinstance(value, str):
        member = MODEL_TYPES.get(value) or by_name.get(value.upper())
        if member is not None:
            return member
    served = ", ".join(name for name, member in by_name.items() if member.runtime in served_runtimes())
    raise InvalidSpec(f"unknown model type {quoted(value)}.", f"Use one of: {served}.", field="flow")


def check_artifact(model_type: BaseModelType, artifact: object) -> str | dict[str, Any]:
    """Return the artifact: a path whose suffix fits the type, or the arguments of a Hugging Face pipeline."""
    if model_type is ModelType.HUGGINGFACE_PIPELINE:
        if isinstance(artifact, Mapping) and artifact and all(isinstance(key, str) for key in artifact):
            return dict(artifact)
        raise InvalidSpec(
            "a HUGGINGFACE_PIPELINE stage needs the arguments of transformers.pipeline as a dict.",
            'Give for example {"task": "text-classification", "model": "..."}.',
            field="flow",
        )
    artifact = str(artifact) if isinstance(artifact, PurePath) else artifact
    if not isinstance(artifact, str) or not artifact:
        raise InvalidSpec(
            f"a {model_type.name} stage needs a path, not {type(artifact).__name__}.",
            "Give the path of the model file.",
            field="flow",
        )
    suffixes = model_type.suffixes
    if suffix_of(artifact) not in suffixes:
        raise InvalidSpec(
            f"a {model_type.name} stage cannot be read from {quoted(artifact)}.",
            f"Give a file that ends in {' or '.join(filter(None, suffixes))}.",
            field="flow",
        )
    return artifact


def parse_flow(rows: object, processors: object = ()) -> Flow:
    """Return the flow of a `conduit.json`: `[[type, artifact, {"pre": name, "post": name}], ...]` and their sources.

    `processors` is parallel to `rows`: `[{"pre": source | None, "post": source | None}, ...]`.
    """
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise InvalidSpec("flow is empty.", "Give at least one (model_type, path) stage.", field="flow")
    sources = processors if isinstance(processors, Sequence) and not isinstance(processors, str) else ()
    pairs = zip_longest(rows, sources[: len(rows)])
    return Flow(tuple(parse_stage(row, partial(_parse_processors, sources=texts)) for row, texts in pairs))


def flow_from_stored(rows: Sequence[Any], processors: Sequence[Mapping[str, Any]]) -> Flow:
    """Return the flow that `flow_rows` stored, without checking it again."""
    stages = []
    for (model_type, artifact, names), sources in zip(rows, processors, strict=True):
        pre, post = (Processor(names[place], sources[place]) if names[place] else None for place in ("pre", "post"))
        stages.append(Stage(MODEL_TYPES[model_type], artifact, pre, post))
    return Flow(tuple(stages))


def parse_stage(row: object, read: Callable[[Any], Processors]) -> Stage:
    """Return the stage of `(model_type, artifact[, processors])`; `read` makes processors of the third item or None."""
    if not isinstance(row, Sequence) or isinstance(row, str) or not 2 <= len(row) <= 3:
        raise InvalidSpec(
            "a stage is not of the form (model_type, artifact[, processors]).",
            "Give two or three items per stage.",
            field="flow",
        )
    model_type = parse_model_type(row[0])
    artifact = check_artifact(model_type, row[1])
    pre, post = read(row[2] if len(row) == 3 else None)
    return Stage(model_type, artifact, pre, post)


def _parse_processors(names: Any, sources: object) -> Processors:
    names = names if isinstance(names, Mapping) else {}
    texts = sources if isinstance(sources, Mapping) else {}
    return _parse_processor("pre", names, texts), _parse_processor("post", names, texts)


def _parse_processor(place: str, names: Mapping[str, Any], sources: Mapping[str, Any]) -> Processor | None:
    name, source = names.get(place), sources.get(place)
    if name is None and source is None:
        return None
    if not isinstance(name, str) or not name.isidentifier() or not isinstance(source, str):
        raise InvalidSpec(
            f"the {place} processor has no name or no source.",
            "Give the function's name in the flow and its source text in `processors`.",
            field="flow",
        )
    return Processor(name, source)


def flow_rows(flow: Flow) -> tuple[list[Any], list[dict[str, str | None]]]:
    """Return the flow as `conduit.json` holds it, `(rows, processors)`: the inverse of `parse_flow`."""
    rows: list[Any] = []
    sources: list[dict[str, str | None]] = []
    for stage in flow.stages:
        processors = {"pre": stage.pre, "post": stage.post}
        artifact = dict(stage.artifact) if isinstance(stage.artifact, Mapping) else stage.artifact
        names = {place: processor.name if processor else None for place, processor in processors.items()}
        rows.append([stage.model_type.value, artifact, names])
        sources.append({place: processor.source if processor else None for place, processor in processors.items()})
    return rows, sources
