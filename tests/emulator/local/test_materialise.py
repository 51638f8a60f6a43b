"""Makers on the emulator, one resource at a time: made, left alone, changed, healed and taken away."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import DeployedModel, Package, Snapshot
from modelcote.local.functions import read_definition
from modelcote.local.materialise.materialiser import check_deletions
from modelcote.local.materialise.state import STATE, distrust, load_state
from tests.emulator.local.materialising import KEY, QUEUE, ROLE, TABLE, Run, function
from tests.support.emulator import Emulator


def test_an_unknown_type_is_refused(aws: Emulator, tmp_path: Path) -> None:
    with pytest.raises(DeployFailed, match="aws:eks/cluster:Cluster"):
        Run(aws, tmp_path).make("aws:eks/cluster:Cluster", "x", {})


def test_a_function_is_defined_for_the_host(aws: Emulator, tmp_path: Path, name: str) -> None:
    made = function(Run(aws, tmp_path), tmp_path, name, reservedConcurrentExecutions=3)
    definition = read_definition(tmp_path / "functions", name)
    assert definition is not None
    served = definition.resolve("live")
    assert served is not None
    assert (served.version, served.handler, served.memory_mb, served.timeout_s) == (
        made["version"],
        "code.handler",
        256,
        7,
    )
    assert (served.environment, definition.reserved) == ({"A": "b"}, 3)
    assert served.python == str(tmp_path / "environment" / "bin" / "python")
    assert (Path(served.code) / "code.py").read_text() == "one"
    assert made["qualifiedArn"] == f"{made['arn']}:{made['version']}"


def test_what_did_not_change_is_not_made_again(aws: Emulator, tmp_path: Path, name: str) -> None:
    first = Run(aws, tmp_path)
    outputs = function(first, tmp_path, name)
    first.end()
    # Were anything called, it would fail: nothing listens there.
    second = Run(replace(aws, url="http://127.0.0.1:9"), tmp_path)
    assert function(second, tmp_path, name) == outputs
    assert second.hands.changed == []
    assert second.end() == []


def test_changed_code_is_a_new_version_to_which_the_alias_moves(aws: Emulator, tmp_path: Path, name: str) -> None:
    first = Run(aws, tmp_path)
    old = function(first, tmp_path, name)
    first.end()
    second = Run(aws, tmp_path)
    new = function(second, tmp_path, name, "two")
    second.end()
    assert int(new["version"]) == int(old["version"]) + 1
    definition = read_definition(tmp_path / "functions", name)
    assert definition is not None
    served = definition.resolve("live")
    assert served is not None
    assert (Path(served.code) / "code.py").read_text() == "two"
    alias = aws.client("lambda").get_alias(FunctionName=name, Name="live")
    assert alias["FunctionVersion"] == new["version"]


def test_a_crash_before_the_state_was_written_is_healed(aws: Emulator, tmp_path: Path, name: str) -> None:
    function(Run(aws, tmp_path), tmp_path, name)
    (tmp_path / STATE).unlink(missing_ok=True)
    again = Run(aws, tmp_path)
    made = function(again, tmp_path, name, "two")
    again.end()
    definition = read_definition(tmp_path / "functions", name)
    assert definition is not None
    assert definition.aliases == {"live": made["version"]}


def test_what_a_run_no_longer_holds_goes_away_last_made_first(aws: Emulator, tmp_path: Path, name: str) -> None:
    first = Run(aws, tmp_path)
    role = {"name": name, "assumeRolePolicy": json.dumps({"Version": "2012-10-17", "Statement": []})}
    first.make(ROLE, f"{name}-role", role)
    function(first, tmp_path, name)
    first.end()
    second = Run(aws, tmp_path)
    second.make(ROLE, f"{name}-role", role)
    assert second.end() == [f"{name}-live", name, f"{name}-layer"]
    assert read_definition(tmp_path / "functions", name) is None
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=name)
    assert list(load_state(tmp_path / STATE).resources) == [f"urn:pulumi:local::modelcote::{ROLE}::{name}-role"]


def test_after_distrust_everything_is_made_again_where_it_is_missing(aws: Emulator, tmp_path: Path, name: str) -> None:
    table = {
        "name": name,
        "hashKey": "pk",
        "attributes": [{"name": "pk", "type": "S"}],
        "billingMode": "PAY_PER_REQUEST",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})

    def everything(run: Run) -> str:
        run.make(TABLE, f"{name}-table", table)
        run.make(QUEUE, f"{name}-queue", {"name": name, "visibilityTimeoutSeconds": 60})
        key, _ = run.make(KEY, f"{name}-key", {"policy": policy})
        function(run, tmp_path, name)
        return key

    first = Run(aws, tmp_path)
    everything(first)
    first.context.state.set_models([["default", "m"]])
    first.end()
    # The emulator forgets: a queue and a function go behind the state file's back.
    sqs = aws.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])
    aws.client("lambda").delete_function(FunctionName=name)
    assert distrust(tmp_path / STATE, forget_models=True) == ["default/m"]
    assert load_state(tmp_path / STATE).models == []
    second = Run(aws, tmp_path)
    key = everything(second)
    assert second.end() == []
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"]
    kms = aws.client("kms")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key


def test_an_unchanged_queue_keeps_its_messages_when_its_settings_change(
    aws: Emulator, tmp_path: Path, name: str
) -> None:
    first = Run(aws, tmp_path)
    url, _ = first.make(QUEUE, name, {"name": name, "visibilityTimeoutSeconds": 60})
    first.end()
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    Run(aws, tmp_path).make(QUEUE, name, {"name": name, "visibilityTimeoutSeconds": 90})
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["ApproximateNumberOfMessages"]) == ("90", "1")


def model(name: str) -> DeployedModel:
    return DeployedModel("default", name, 1, Package("s"), "b", "s", f"{sys.version_info.major}.11", 256, 7)


def test_a_model_without_a_tombstone_is_never_deleted(tmp_path: Path) -> None:
    state = load_state(tmp_path / STATE)
    state.set_models([["default", "a"], ["default", "b"]])
    check_deletions(state, Snapshot(models=(model("a"), model("b"), model("c"))))
    check_deletions(state, Snapshot(models=(model("a"),), tombstones=(("default", "b"),)))
    for partial in (Snapshot(), Snapshot(models=(model("a"),)), Snapshot(tombstones=(("default", "b"),))):
        with pytest.raises(DeployFailed, match="without a tombstone"):
            check_deletions(state, partial)
