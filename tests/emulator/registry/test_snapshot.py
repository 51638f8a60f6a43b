"""The snapshot is whole, or it is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modelcote.aws.table import Table
from modelcote.core.errors import BackendUnavailable, InvalidSpec
from modelcote.core.spec import spec_from_dict, spec_to_dict
from modelcote.registry import models, snapshots, versions
from modelcote.registry.records import Model, Version, model_key, version_key
from modelcote.registry.store import Registry
from tests.support.registered import ready
from tests.support.specs import a_package, a_spec


def served(registry: Registry, project: str, *names: str, **fields: object) -> None:
    models.ensure_project(registry, project)
    for name in names:
        ready(registry, name, project, **fields)


def test_every_project_and_what_the_spec_asks_for(registry: Registry) -> None:
    served(registry, "one", "a", cpu=2, timeout=30, min_replicas=1, max_replicas=3, python_version="3.12")
    served(registry, "two", "a")
    one, two = sorted(snapshots.read(registry).models, key=lambda model: model.project)
    assert (one.project, one.name, one.version, one.package) == ("one", "a", 1, a_package("a-1"))
    assert (one.memory_mb, one.timeout_s, one.min_replicas, one.max_replicas) == (3538, 30, 1, 3)
    # The Python of its package's layer, which is what it was built for.
    assert (one.python_version, one.bundle_sha256) == ("3.11", "ab" * 32)
    assert one.bundle_key == "bundles/one/a/1/bundle.zip"
    assert (two.project, two.memory_mb, two.timeout_s, two.max_replicas) == ("two", 1769, 60, None)


def test_pages_are_followed(registry: Registry) -> None:
    """Rows of more than DynamoDB's megabyte per page, and of more than a batch of keys."""
    models.ensure_project(registry, "big")
    text, spec = "x" * 20_000, json.dumps(spec_to_dict(a_spec("m")))
    for number in range(110):
        model = Model("big", f"m-{number}", current_version=1, wanted_version=1)
        registry.table.put({**model.to_item(), "padding": text})
        package = '{"sha256": "x", "s3_key": "k", "layers": []}'
        registry.table.put(Version("big", f"m-{number}", 1, "READY", spec, package_json=package).to_item())
    assert len(snapshots.read(registry).models) == 110


def test_a_row_that_is_missing_is_not_a_model_that_is_missing(registry: Registry) -> None:
    served(registry, "one", "a")
    registry.table.delete(version_key("one", "a", 1))
    with pytest.raises(BackendUnavailable, match="VERSION#a#00000001"):
        snapshots.read(registry)


def test_a_failed_version_is_never_chosen(registry: Registry) -> None:
    """Even where the model's row still wants it, as after a crash between two writes."""
    served(registry, "one", "a", "a")
    registry.table.update(version_key("one", "a", 2), {"state": "FAILED"})
    registry.table.update(model_key("one", "a"), {"current_version": 1})
    assert [model.version for model in snapshots.read(registry).models] == [1]


def test_a_spec_that_breaks_todays_rules_is_served_as_it_was_accepted(registry: Registry) -> None:
    """The rules are checked at the doors alone: one made stricter later leaves every old row readable."""
    served(registry, "one", "a")
    served(registry, "two", "b")
    row = versions.get(registry, "one", "a", 1)
    spec = {**json.loads(row.spec_json), "timeout": 10**6, "max_replicas": 10**6, "of_another_release": {"x": 1}}
    del spec["cpu"]
    registry.table.update(row.key, {"spec_json": json.dumps(spec)})
    with pytest.raises(InvalidSpec):
        spec_from_dict(spec)
    assert versions.get(registry, "one", "a", 1).spec.timeout == 10**6
    assert {model.name: model.timeout_s for model in snapshots.read(registry).models} == {"a": 10**6, "b": 60}


def test_a_spec_that_cannot_be_read_fails_its_own_deploy_alone(registry: Registry) -> None:
    served(registry, "one", "a", "a", "b")
    unreadable = {"spec_json": '{"flow": '}
    registry.table.update(version_key("one", "a", 2), unreadable)
    registry.table.update(model_key("one", "a"), {"current_version": 1})
    assert {model.name: model.version for model in snapshots.read(registry).models} == {"a": 1, "b": 1}
    registry.table.update(version_key("one", "a", 1), unreadable)
    with pytest.raises(BackendUnavailable, match="VERSION#a#00000001"):
        snapshots.read(registry)


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
    with pytest.raises(BackendUnavailable):
        snapshots.read(replace(registry, table=Table(throttled, registry.table.name)))
