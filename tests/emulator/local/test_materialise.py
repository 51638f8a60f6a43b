"""Functions and their state on the emulator: made, left alone, changed, healed and taken away."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import DeployedModel, Package, Snapshot
from modelcote.local.functions import FunctionVersion
from modelcote.local.materialise.materialiser import check_deletions
from modelcote.local.materialise.state import STATE, distrust, load_state
from tests.emulator.local.materialising import NO_HOST, QUEUE, TABLE, Bench, Run

KEY, ROLE = "aws:kms/key:Key", "aws:iam/role:Role"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


def served(bench: Bench) -> FunctionVersion:
    definition = bench.definition()
    assert definition is not None
    version = definition.resolve("live")
    assert version is not None
    return version


def code(bench: Bench) -> str:
    return (Path(served(bench).code) / "code.py").read_text()


def test_an_unknown_type_is_refused(resources: Bench) -> None:
    with pytest.raises(DeployFailed, match="aws:eks/cluster:Cluster"):
        resources.begin().make("aws:eks/cluster:Cluster", "x", {})


def test_a_function_is_defined_for_the_host(resources: Bench) -> None:
    made = resources.function(resources.begin(), reservedConcurrentExecutions=3)
    version, definition = served(resources), resources.definition()
    assert definition is not None
    assert (version.version, version.handler) == (made["version"], "code.handler")
    assert (version.memory_mb, version.timeout_s, version.environment) == (256, 7, {"A": "b"})
    assert definition.reserved == 3
    assert version.python == str(resources.home / "environment" / "bin" / "python")
    assert code(resources) == "one"
    assert made["qualifiedArn"] == f"{made['arn']}:{made['version']}"


def test_what_did_not_change_is_not_made_again(resources: Bench) -> None:
    outputs = resources.run(resources.function)
    resources.url = NO_HOST  # Were anything called, it would fail: nothing listens there.
    assert resources.run(resources.function) == outputs
    assert (resources.changed, resources.removed) == ([], [])


def test_changed_code_is_a_new_version_to_which_the_alias_moves(resources: Bench) -> None:
    old, new = resources.run(resources.function), resources.run(resources.function, "two")
    assert int(new["version"]) == int(old["version"]) + 1
    assert code(resources) == "two"
    alias = resources.client("lambda").get_alias(FunctionName=resources.name, Name="live")
    assert alias["FunctionVersion"] == new["version"]


def test_a_crash_before_the_state_was_written_is_healed(resources: Bench) -> None:
    resources.function(resources.begin())
    resources.lose_state()
    made = resources.run(resources.function, "two")
    definition = resources.definition()
    assert definition is not None
    assert definition.aliases == {"live": made["version"]}


def test_what_a_run_no_longer_holds_goes_away_last_made_first(resources: Bench) -> None:
    name = resources.name

    def make(run: Run, *, with_function: bool) -> None:
        run.make(ROLE, f"{name}-role", {"name": name, "assumeRolePolicy": POLICY})
        if with_function:
            resources.function(run)

    resources.run(make, with_function=True)
    resources.run(make, with_function=False)
    assert resources.removed == [f"{name}-live", name, f"{name}-layer"]
    assert resources.definition() is None
    client = resources.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=name)
    assert list(load_state(resources.home / STATE).resources) == [f"urn:pulumi:local::modelcote::{ROLE}::{name}-role"]


def test_after_distrust_everything_is_made_again_where_it_is_missing(resources: Bench) -> None:
    name, sqs, kms = resources.name, resources.client("sqs"), resources.client("kms")
    table = {"name": name, "hashKey": "pk", "billingMode": "PAY_PER_REQUEST"}

    def everything(run: Run) -> str:
        run.make(TABLE, f"{name}-table", {**table, "attributes": [{"name": "pk", "type": "S"}]})
        run.make(QUEUE, f"{name}-queue", {"name": name, "visibilityTimeoutSeconds": 60})
        key, _ = run.make(KEY, f"{name}-key", {"policy": POLICY})
        resources.function(run)
        run.context.state.set_models([["default", "m"]])
        return key

    resources.run(everything)
    # The emulator forgets: a queue and a function go behind the state file's back.
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])
    resources.client("lambda").delete_function(FunctionName=name)
    assert distrust(resources.home / STATE, forget_models=True) == ["default/m"]
    assert load_state(resources.home / STATE).models == []
    key = resources.run(everything)
    assert resources.removed == []
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key


def test_a_model_without_a_tombstone_is_never_deleted(tmp_path: Path) -> None:
    python = f"{sys.version_info.major}.11"
    a, b, c = (DeployedModel("default", name, 1, Package("s"), "b", "s", python, 256, 7) for name in "abc")
    state = load_state(tmp_path / STATE)
    state.set_models([["default", "a"], ["default", "b"]])
    check_deletions(state, Snapshot(models=(a, b, c)))
    check_deletions(state, Snapshot(models=(a,), tombstones=(("default", "b"),)))
    for partial in (Snapshot(), Snapshot(models=(a,)), Snapshot(tombstones=(("default", "b"),))):
        with pytest.raises(DeployFailed, match="without a tombstone"):
            check_deletions(state, partial)
