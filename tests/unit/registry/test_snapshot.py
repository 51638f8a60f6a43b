"""The snapshot is whole, or it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from modelcote.aws.rows import project_pk
from modelcote.aws.table import Table
from modelcote.core.errors import BackendUnavailable
from modelcote.core.snapshot import Layer
from modelcote.registry.records import Model, Version, version_sk
from modelcote.registry.store import Registry
from tests.support.specs import a_package, a_spec


def served(registry: Registry, project: str, name: str, **fields: object) -> None:
    registry.ensure_project(project)
    version, _ = registry.create_version(project, a_spec(name, **fields))
    registry.mark_uploaded(version, "ab" * 32, 10)
    deploy = registry.begin(project, registry.request_deploy(project, name, version.version, "deploy").deploy_id)
    assert deploy
    registry.mark_built(deploy, a_package(name), "onnx")
    registry.mark_ready(deploy, f"f_{name}")


def test_every_project_and_what_the_spec_asks_for(registry: Registry) -> None:
    served(registry, "one", "a", cpu=2, timeout=30, min_replicas=1, max_replicas=3, python_version="3.12")
    served(registry, "two", "a")
    layer = Layer("onnx-py3.11-abc", "onnx", "3.11", "/tmp/x")
    snapshot = registry.snapshot([layer])
    one, two = sorted(snapshot.models, key=lambda model: model.project)
    assert (one.project, one.name, one.version, one.package) == ("one", "a", 1, a_package("a"))
    assert (one.memory_mb, one.timeout_s, one.min_replicas, one.max_replicas) == (3538, 30, 1, 3)
    assert (one.python_version, one.bundle_sha256) == ("3.12", "ab" * 32)
    assert one.bundle_key == "bundles/one/a/1/bundle.zip"
    assert (two.project, two.memory_mb, two.timeout_s, two.max_replicas) == ("two", 1769, 60, None)
    assert snapshot.layers == (layer,)


def test_pages_are_followed(registry: Registry) -> None:
    """Rows of more than DynamoDB's megabyte per page, and of more than a batch of keys."""
    registry.ensure_project("big")
    text = "x" * 20_000
    for number in range(110):
        model = Model("big", f"m-{number}", current_version=1, wanted_version=1)
        registry.table.put({**model.to_item(), "padding": text})
        spec = '{"name": "m", "flow": [["sklearn", "m.pkl"]]}'
        package = '{"sha256": "x", "s3_key": "k", "layers": []}'
        row = Version("big", f"m-{number}", 1, "READY", spec, package_json=package)
        registry.table.put(row.to_item())
    assert len(registry.snapshot().models) == 110


def test_a_row_that_is_missing_is_not_a_model_that_is_missing(registry: Registry) -> None:
    served(registry, "one", "a")
    registry.table.delete((project_pk("one"), version_sk("a", 1)))
    with pytest.raises(BackendUnavailable, match="VERSION#a#00000001"):
        registry.snapshot()


def test_a_failed_version_is_never_chosen(registry: Registry) -> None:
    """Even where the model's row still wants it, as after a crash between two writes."""
    served(registry, "one", "a")
    served(registry, "one", "a")
    registry.table.update((project_pk("one"), version_sk("a", 2)), {"state": "FAILED"})
    registry.table.update((project_pk("one"), "MODEL#a"), {"current_version": 1})
    assert [model.version for model in registry.snapshot().models] == [1]


def test_a_batch_that_stays_partial_is_refused(registry: Registry) -> None:
    """DynamoDB may leave keys unread under load; the emulator never does, so its answer is changed on the way."""
    served(registry, "one", "a")
    client: Any = registry.table.client

    class Throttled:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def batch_get_item(self, **request: Any) -> Any:
            return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}

    throttled: Any = Throttled()
    registry.table = Table(throttled, registry.table.name)
    with pytest.raises(BackendUnavailable):
        registry.snapshot()
