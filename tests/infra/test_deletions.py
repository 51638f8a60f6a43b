"""Only models that carry a tombstone are deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Snapshot
from modelcote.deploy.program.plan import Diff, Plan, check_deletions, diff
from tests.infra.planner import plan
from tests.infra.plans import CHURN, IRIS, ONNX, SETTINGS, SKLEARN, SNAPSHOTS, planned


def without(made: Plan, *words: str) -> Plan:
    return Plan(tuple(row for row in made.resources if not any(word in row.name for word in words)), made.outputs)


def test_nothing_changes_between_equal_snapshots() -> None:
    assert diff(planned(3), plan(SNAPSHOTS[3], SETTINGS)) == Diff()


def test_a_new_model_only_creates() -> None:
    changed = diff(planned(0), planned(1))
    assert (changed.update, changed.delete) == ((), ())
    assert len(changed.create) == 8  # the model's six and its runtime's two
    check_deletions(planned(0), planned(1), SNAPSHOTS[1])


def test_a_redeploy_updates_the_function_alone() -> None:
    newer = replace(IRIS, version=2, package=replace(IRIS.package, s3_key="packages/demo/iris/2/cd.zip"))
    changed = diff(planned(1), plan(replace(SNAPSHOTS[1], models=(newer,)), SETTINGS))
    assert [urn.rpartition("::")[2] for urn in changed.update] == ["model-demo_iris-function"]
    assert (changed.create, changed.delete) == ((), ())


def test_a_tombstone_deletes_the_model_and_its_layer() -> None:
    tomb = Snapshot(SNAPSHOTS[3].models[1:], (("demo", "iris"),), (SKLEARN,))
    after = plan(tomb, SETTINGS)
    assert {row.name for row in planned(3).resources} - {row.name for row in after.resources} >= {
        "model-demo_iris",
        "model-demo_iris-function",
        f"layer-{ONNX.key}",
    }
    check_deletions(planned(3), after, tomb)


def test_a_tombstone_of_what_never_was_is_nothing() -> None:
    check_deletions(planned(1), planned(1), replace(SNAPSHOTS[1], tombstones=(("demo", "other"),)))


@pytest.mark.parametrize(
    ("tombstones", "words"),
    [((), "model-demo_iris"), ((("demo", "iris"),), "model-demo_churn")],
    ids=["an empty read", "a partial read beside a tombstone"],
)
def test_models_without_a_tombstone_stay(tombstones: tuple[tuple[str, str], ...], words: str) -> None:
    with pytest.raises(DeployFailed, match=words):
        check_deletions(planned(3), planned(0), Snapshot(tombstones=tombstones))


def test_a_tombstone_that_deletes_nothing_is_refused() -> None:
    with pytest.raises(DeployFailed, match="model-demo_iris"):
        check_deletions(planned(1), planned(1), Snapshot(tombstones=(("demo", "iris"),)))


@pytest.mark.parametrize("name", ["platform-tables-registry", "platform-buckets-artifacts", "model-demo_iris-role"])
def test_nothing_else_is_deleted(name: str) -> None:
    with pytest.raises(DeployFailed, match="would delete"):
        check_deletions(planned(1), without(planned(1), name), SNAPSHOTS[1])


def test_provisioned_concurrency_may_go() -> None:
    colder = replace(SNAPSHOTS[3], models=tuple(replace(row, min_replicas=0) for row in SNAPSHOTS[3].models))
    after = plan(colder, SETTINGS)
    assert [urn.rpartition("::")[2] for urn in diff(planned(3), after).delete] == [f"model-demo_{CHURN.name}-warm"]
    check_deletions(planned(3), after, colder)
