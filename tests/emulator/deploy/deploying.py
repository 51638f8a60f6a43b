"""An engine that remembers what it was run on, and what becomes of deploy requests."""

from __future__ import annotations

import pickle
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from modelcote.bundle.make import make_bundle
from modelcote.core.errors import BackendUnavailable
from modelcote.core.flow import Flow, Stage
from modelcote.core.manifest import Manifest
from modelcote.core.objects import bundle_key
from modelcote.core.runtimes import ModelType
from modelcote.core.snapshot import Layer, Snapshot
from modelcote.core.spec import ModelSpec, default_python_version
from modelcote.deploy.artifacts.recipes import Recipe
from modelcote.deploy.artifacts.runtimes import LockedRuntime, committed, parse_key
from modelcote.deploy.queue.consume import consume
from modelcote.registry import deploys, versions
from modelcote.registry.records import Deploy
from modelcote.registry.store import Registry

PROJECT = "demo"


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

    def lock(self, recipe: Recipe) -> LockedRuntime:
        return committed(recipe.name, recipe.python_version, recipe.requirements)

    def python_for(self, runtime: LockedRuntime) -> Path:
        return Path(sys.executable)

    def layer_for(self, runtime: LockedRuntime) -> Layer:
        return self.layer_of(runtime.key)

    def layer_of(self, key: str) -> Layer:
        return Layer(key, *parse_key(key), "/layers")


@cache
def pickled() -> bytes:
    return pickle.dumps(DecisionTreeClassifier(random_state=0).fit(*load_iris(return_X_y=True)))


@dataclass(frozen=True)
class Stand:
    """A registry with deploy requests, and a folder for their files."""

    registry: Registry
    folder: Path

    def request(
        self,
        name: str,
        content: bytes | None = None,
        libraries: Mapping[str, str] | None = None,
        compile: bool = False,
    ) -> Deploy:
        """Register a version with its bundle, as control does, and request its deploy."""
        model, flow = self.folder / "model.pkl", Flow((Stage(ModelType.SKLEARN_CLASSIFIER, "model.pkl"),))
        spec = ModelSpec(name, flow, python_version=default_python_version(), compile=compile)
        model.write_bytes(pickled() if content is None else content)
        manifest = Manifest(name, flow, libraries or {})
        info = make_bundle(spec, manifest, {"model.pkl": model}, self.folder / "bundle.zip")
        version, _ = versions.create(self.registry, PROJECT, spec, info.sha256, info.bytes)
        key = bundle_key(PROJECT, name, version.version)
        self.registry.s3.upload_file(str(info.path), self.registry.bucket, key)
        versions.mark_uploaded(self.registry, version, info.sha256, info.bytes)
        return deploys.request(self.registry, PROJECT, name, version.version, "deploy")

    def consume(self, engine: Engine) -> int:
        return consume(self.registry, engine, ThisInterpreter(), stack="dev")

    def run(self, engine: Engine | None = None) -> Engine:
        """Process what the queue holds; return the engine."""
        engine = engine or Engine()
        self.consume(engine)
        return engine

    def lines(self, deploy: Deploy) -> list[str]:
        return [line.text for line in deploys.status(self.registry, PROJECT, deploy.deploy_id).lines]

    def state(self, deploy: Deploy) -> str:
        return deploys.get(self.registry, PROJECT, deploy.deploy_id).state

    def error(self, deploy: Deploy) -> Mapping[str, Any]:
        problem = deploys.get(self.registry, PROJECT, deploy.deploy_id).error
        assert problem is not None
        return problem

    def members(self, key: str) -> dict[str, bytes]:
        self.registry.s3.download_file(self.registry.bucket, key, str(self.folder / "package.zip"))
        with zipfile.ZipFile(self.folder / "package.zip") as archive:
            return {name: archive.read(name) for name in archive.namelist()}
