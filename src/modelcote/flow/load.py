"""Loading a bundle's folder into a flow that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidBundle
from modelcote.core.flow import Stage
from modelcote.core.inputs import FEED, Inputs, inputs_from_dict, is_earlier
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import RUNTIMES
from modelcote.flow.inputs import rows
from modelcote.flow.processors import Store, load_processor
from modelcote.flow.result import finish
from modelcote.flow.runners import Runner

Processor = Callable[..., Any]


@dataclass(frozen=True)
class LoadedStage:
    """A stage ready to run."""

    runner: Runner
    pre: Processor | None
    post: Processor | None


@dataclass(frozen=True)
class LoadedFlow:
    """Stages ready to run, or the compiled form of them all; `call` is the whole of it."""

    inputs: Inputs
    stages: tuple[LoadedStage, ...]
    call: Callable[[Any, Sequence[bytes]], Any]

    def predict(self, data: Any, files: Sequence[bytes] = ()) -> Any:
        """Return a request's result: an array, a list or a dict; raise `InvalidInput`, and whatever the model does."""
        return finish(self.call(data, files))


def load_flow(folder: Path, manifest: Manifest) -> LoadedFlow:
    """Load the flow in a bundle's folder, its inputs as the manifest describes them.

    Where it does not, they are read from the loaded model and from the manifest's hints. Raises `InvalidBundle`,
    `VersionMismatch` and, for hints that do not fit the model, `InvalidSpec`.
    """
    if manifest.compiled is not None:
        # Imported here: other flows need nothing of the compiled tier.
        from modelcote.flow.compiled import load_compiled

        loaded = load_compiled(folder, manifest)
        return LoadedFlow(loaded.inputs or Inputs(), (), lambda data, _files: loaded.call(data))
    store = Store()
    stages = tuple(_load_stage(folder, stage, store) for stage in manifest.flow.stages)
    inputs = _inputs(manifest, stages)
    return LoadedFlow(inputs, stages, lambda data, files: run_stages(stages, inputs, data, files))


def _inputs(manifest: Manifest, stages: Sequence[LoadedStage]) -> Inputs:
    first = stages[0].runner
    if first.inputs is not None:
        return first.inputs
    stored = manifest.inputs
    # What earlier versions stored does not say what a cell means.
    if stored is not None and not is_earlier(stored):
        try:
            return inputs_from_dict(stored)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidBundle("the description of the model's inputs cannot be read.", "Deploy it again.") from error
    from modelcote.flow.schema import describe

    behind: list[Any] = []
    for before, stage in pairwise(stages):
        if before.post or stage.pre:
            # What a processor returns is its own.
            behind.append(before.post or stage.pre)
            break
        behind.append(stage.runner.model)
    return describe(first.model, manifest.hints, behind)


def _load_stage(folder: Path, stage: Stage, store: Store) -> LoadedStage:
    path = folder / stage.file
    if not path.exists():
        raise InvalidBundle(f"{stage.file} is not in the bundle.", "Put the model file beside conduit.json.")
    module = import_module(RUNTIMES[stage.model_type.runtime].runner)
    return LoadedStage(
        module.load(path, stage.model_type),
        load_processor(stage.pre, store) if stage.pre else None,
        load_processor(stage.post, store) if stage.post else None,
    )


def run_stages(stages: Sequence[LoadedStage], inputs: Inputs, data: Any, files: Sequence[bytes]) -> Any:
    """Return the last stage's own result for a request's data; raise `InvalidInput`, and whatever a stage does."""
    value = data
    for index, stage in enumerate(stages):
        stage_input = value
        if stage.pre:
            value = stage.pre(value, files)
        value = stage.runner.call(_entering(value, inputs if index == 0 else stage.runner.inputs, first=index == 0))
        if stage.post:
            value = stage.post(value, stage_input, files)
    return value


def _entering(value: Any, inputs: Inputs | None, *, first: bool) -> Any:
    """Return a model's input: the first stage's rows are read by their description, later ones become an array."""
    if not isinstance(value, list) or (inputs is not None and inputs.kind == FEED):
        return value
    return rows(value, inputs) if first and inputs is not None else np.asarray(value)
