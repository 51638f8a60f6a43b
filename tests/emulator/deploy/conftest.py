"""A deploy request, as the control API makes it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sklearn.tree import DecisionTreeClassifier

from modelcote.bundle.make import make_bundle
from modelcote.core.manifest import Manifest
from modelcote.core.objects import bundle_key
from modelcote.core.spec import ModelSpec
from modelcote.registry import deploys, versions
from modelcote.registry.records import Deploy
from modelcote.registry.store import Registry
from tests.emulator.deploy.deploying import LABELS, PROJECT, ROWS


@pytest.fixture(scope="session")
def pickled() -> bytes:
    return pickle.dumps(DecisionTreeClassifier(random_state=0).fit(ROWS, LABELS))


@pytest.fixture
def deploy(registry: Registry, pickled: bytes, tmp_path: Path) -> Callable[..., Deploy]:
    """Registers a version with its bundle, as control does, and asks for its deploy."""

    def ask(wanted: ModelSpec, content: bytes | None = None, libraries: Mapping[str, str] | None = None) -> Deploy:
        model = tmp_path / "model.pkl"
        model.write_bytes(pickled if content is None else content)
        manifest = Manifest(wanted.name, wanted.flow, libraries or {})
        info = make_bundle(wanted, manifest, {"model.pkl": model}, tmp_path / "bundle.zip")
        version, _ = versions.create(registry, PROJECT, wanted, info.sha256, info.bytes)
        key = bundle_key(PROJECT, wanted.name, version.version)
        registry.s3.upload_file(str(info.path), registry.bucket, key)
        versions.mark_uploaded(registry, version, info.sha256, info.bytes)
        return deploys.request(registry, PROJECT, wanted.name, version.version, "deploy")

    return ask
