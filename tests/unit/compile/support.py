"""A trained model in a folder, loaded as it is and compiled."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from modelcote.compile import Report, compile_flow
from modelcote.core.flow import Flow, Stage
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import ModelType
from modelcote.flow.load import LoadedFlow, load_flow
from modelcote.flow.result import dumps


def flow_of(stages: list[tuple[ModelType, str]]) -> Flow:
    """The flow of `(model type, path)` stages, by their base names."""
    return Flow(tuple(Stage(model_type, Path(path).name) for model_type, path in stages))


def pickled(folder: Path, model_type: ModelType, model: Any) -> Flow:
    """The flow of one pickled model, written to `folder`."""
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    return flow_of([(model_type, "model.pkl")])


def compiled(folder: Path, flow: Flow, sample: list[Any] | None = None) -> tuple[LoadedFlow, Report]:
    """The original and the report of compiling it."""
    original = load_flow(folder, Manifest("model", flow))
    return original, compile_flow(folder, flow, original.inputs, sample)


def load_form(folder: Path, flow: Flow, original: LoadedFlow, report: Report) -> LoadedFlow:
    """The compiled form, loaded as a runtime does: from what the manifest's JSON says."""
    told = orjson.loads(orjson.dumps(report.to_dict()))
    return load_flow(folder, replace(Manifest("model", flow), inputs=original.inputs.to_dict(), compiled=told))


def answer(flow: LoadedFlow, rows: list[Any]) -> Any:
    """The result as a caller receives it."""
    return orjson.loads(dumps(flow.predict(rows)))
