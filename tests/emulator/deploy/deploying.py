"""An engine that remembers what it was run on, and what becomes of deploy requests."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris

from modelcote.core.errors import BackendUnavailable
from modelcote.core.flow import Flow, Processor, Stage
from modelcote.core.runtimes import ModelType
from modelcote.core.snapshot import Layer, Snapshot
from modelcote.core.spec import ModelSpec, default_python_version
from modelcote.deploy.artifacts.runtimes import parse_key, runtime_key
from modelcote.deploy.queue.consume import consume
from modelcote.registry import deploys
from modelcote.registry.records import Deploy
from modelcote.registry.store import Registry

PROJECT = "demo"
ROWS, LABELS = load_iris(return_X_y=True)


class Engine:
    """Remembers its snapshots; fails when `refuse` matches one."""

    def __init__(self, refuse: Callable[[Snapshot], bool] = lambda _: False) -> None:
        self.refuse = refuse
        self.runs: list[Snapshot] = []

    def up(self, snapshot: Snapshot) -> Mapping[str, Any]:
        self.runs.append(snapshot)
        if self.refuse(snapshot):
            raise BackendUnavailable("the function could not be made.", "Try again.")
        return {}

    @property
    def served(self) -> dict[str, int]:
        return {model.name: model.version for model in self.runs[-1].models}


class ThisInterpreter:
    """Every runtime is the one that runs the tests."""

    def python_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Path:
        return Path(sys.executable)

    def layer_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Layer:
        return self.layer_of(runtime_key(runtime, python_version, requirements))

    def layer_of(self, key: str) -> Layer:
        return Layer(key, *parse_key(key), "/layers")


def spec(name: str, post: str = "", **fields: Any) -> ModelSpec:
    processor = Processor("post", post) if post else None
    flow = Flow((Stage(ModelType.SKLEARN_CLASSIFIER, "model.pkl", post=processor),))
    return ModelSpec(name, flow, python_version=default_python_version(), **fields)


def run(registry: Registry, engine: Engine) -> int:
    return consume(registry, engine, ThisInterpreter(), stack="dev")


def lines(registry: Registry, deploy: Deploy) -> list[str]:
    return [line.text for line in deploys.status(registry, PROJECT, deploy.deploy_id).lines]


def state(registry: Registry, deploy: Deploy) -> str:
    return deploys.get(registry, PROJECT, deploy.deploy_id).state


def error(registry: Registry, deploy: Deploy) -> Mapping[str, Any]:
    problem = deploys.get(registry, PROJECT, deploy.deploy_id).error
    assert problem is not None
    return problem


def members(registry: Registry, key: str, folder: Path) -> dict[str, bytes]:
    registry.s3.download_file(registry.bucket, key, str(folder / "package.zip"))
    with zipfile.ZipFile(folder / "package.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}
