"""Makers on the emulator, one resource at a time: made, left alone, changed, healed and taken away."""

from __future__ import annotations

import json
import sys
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import DeployedModel, Package, Snapshot
from modelcote.deploy.program.monitor import Archive, Resource
from modelcote.local.functions import read_definition
from modelcote.local.materialise.context import Context
from modelcote.local.materialise.hands import LocalHands, check_deletions
from modelcote.local.materialise.state import STATE, distrust, load_state
from tests.support.emulator import Emulator

FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
LAYER, QUEUE, TABLE = "aws:lambda/layerVersion:LayerVersion", "aws:sqs/queue:Queue", "aws:dynamodb/table:Table"
KEY, ROLE = "aws:kms/key:Key", "aws:iam/role:Role"


class Run:
    """One run of the materialiser on the state of the last."""

    def __init__(self, emulator: Emulator, home: Path) -> None:
        context = Context(home, emulator.url, "http://127.0.0.1:9", load_state(home / STATE))
        self.hands, self.context = LocalHands(context), context

    def make(self, kind: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        urn = f"urn:pulumi:local::modelcote::{kind}::{name}"
        return self.hands.create(Resource(urn, kind, name, "", True, inputs))

    def end(self) -> list[str]:
        self.context.state.save()
        return [urn.rsplit("::", 1)[1] for urn in self.hands.remove_the_rest()]


@pytest.fixture
def name() -> str:
    """Unique, since the emulator is shared by all tests."""
    return f"t-{uuid.uuid4().hex[:10]}"


def archive(folder: Path, text: str) -> Archive:
    path = folder / f"{text}.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("code.py", text)
    return Archive(path=str(path))


def function(run: Run, folder: Path, name: str, text: str = "one", **inputs: Any) -> Mapping[str, Any]:
    """A function with its layer and its alias `live`."""
    environment = folder / "environment"
    (environment / "bin").mkdir(parents=True, exist_ok=True)
    layer, _ = run.make(LAYER, f"{name}-layer", {"layerName": name, "code": Archive(path=str(environment))})
    _, made = run.make(
        FUNCTION,
        name,
        {
            "name": name,
            "role": "arn:aws:iam::000000000000:role/r",
            "runtime": "python3.11",
            "handler": "code.handler",
            "code": archive(folder, text),
            "layers": [layer],
            "memorySize": 256,
            "timeout": 7,
            "publish": True,
            "environment": {"variables": {"A": "b"}},
            **inputs,
        },
    )
    run.make(ALIAS, f"{name}-live", {"functionName": name, "name": "live", "functionVersion": made["version"]})
    return made


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


SOURCE, MACHINE = "aws:lambda/eventSourceMapping:EventSourceMapping", "aws:sfn/stateMachine:StateMachine"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
BUCKET, NOTIFICATION = "aws:s3/bucket:Bucket", "aws:s3/bucketNotification:BucketNotification"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
ROLE_ARN = "arn:aws:iam::000000000000:role/r"


def client(aws: Emulator, service: str) -> Any:
    return aws.client(service)


def sources(aws: Emulator, function_name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client(aws, "lambda").list_event_source_mappings(FunctionName=function_name)[
        "EventSourceMappings"
    ]
    return found


def test_an_event_source_is_changed_in_place(aws: Emulator, tmp_path: Path, name: str) -> None:
    def make(run: Run, batch: int, scaling: dict[str, Any] | None, queue: str = "q") -> Mapping[str, Any]:
        made = run.make(QUEUE, f"{name}-{queue}", {"name": f"{name}-{queue}"})[1]
        function(run, tmp_path, name)
        inputs = {
            "eventSourceArn": made["arn"],
            "functionName": name,
            "batchSize": batch,
            "functionResponseTypes": ["ReportBatchItemFailures"],
            **({"scalingConfig": scaling} if scaling else {}),
        }
        return run.make(SOURCE, f"{name}-source", inputs)[1]

    first = Run(aws, tmp_path)
    before = make(first, 10, {"maximumConcurrency": 5})
    first.end()
    (row,) = sources(aws, name)
    assert (row["BatchSize"], row["ScalingConfig"]) == (10, {"MaximumConcurrency": 5})
    assert row["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (before["uuid"], before["arn"].rsplit(":", 1)[1]) == (row["UUID"], row["UUID"])
    # Written down or not, it is found again.
    for lost in (False, True):
        if lost:
            (tmp_path / STATE).unlink()
        again = Run(aws, tmp_path)
        assert make(again, 3 - lost, None)["uuid"] == before["uuid"]
        again.end()
        (row,) = sources(aws, name)
        assert (row["BatchSize"], row["ScalingConfig"]) == (3 - lost, {})
    moved = Run(aws, tmp_path)
    after = make(moved, 2, None, "other")
    moved.end()
    (row,) = sources(aws, name)
    assert row["UUID"] == after["uuid"] != before["uuid"]
    assert row["EventSourceArn"].endswith(f"{name}-other")
    last = Run(aws, tmp_path)
    function(last, tmp_path, name)
    last.end()
    assert sources(aws, name) == []


def test_a_schedule_and_its_target_come_and_go(aws: Emulator, tmp_path: Path, name: str) -> None:
    events = client(aws, "events")

    def make(run: Run, rate: str) -> Mapping[str, Any]:
        _, rule = run.make(RULE, f"{name}-rule", {"name": name, "scheduleExpression": rate, "state": "ENABLED"})
        target = {"rule": name, "arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}", "input": "{}"}
        run.make(TARGET, f"{name}-target", {**target, "targetId": "watchdog"})
        return rule

    first = Run(aws, tmp_path)
    rule = make(first, "rate(5 minutes)")
    first.end()
    assert rule["arn"] == events.describe_rule(Name=name)["Arn"]
    second = Run(aws, tmp_path)
    make(second, "rate(1 minute)")
    second.end()
    assert second.hands.changed == [f"urn:pulumi:local::modelcote::{RULE}::{name}-rule"]
    found = events.describe_rule(Name=name)
    assert (found["ScheduleExpression"], found["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
    assert (target["Id"], target["Input"]) == ("watchdog", "{}")
    assert Run(aws, tmp_path).end() == [f"{name}-target", f"{name}-rule"]
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name=name)


def test_a_bucket_tells_its_queue_until_it_no_longer_should(aws: Emulator, tmp_path: Path, name: str) -> None:
    s3, sqs = client(aws, "s3"), client(aws, "sqs")

    def make(run: Run, *, notified: bool) -> str:
        _, queue = run.make(QUEUE, name, {"name": name})
        run.make(BUCKET, f"{name}-bucket", {"bucket": name})
        row = {"id": "d", "queueArn": queue["arn"], "events": ["s3:ObjectCreated:*"], "filterPrefix": "detached/"}
        if notified:
            run.make(NOTIFICATION, f"{name}-notification", {"bucket": name, "queues": [row]})
        return str(queue["url"])

    def told(url: str) -> set[str]:
        rows: list[Any] = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                rows += json.loads(message["Body"]).get("Records", [])  # S3's own test event has none.
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return {row["s3"]["object"]["key"] for row in rows}

    first = Run(aws, tmp_path)
    url = make(first, notified=True)
    first.end()
    for key in ("detached/a/b/1", "results/a/b/1"):
        s3.put_object(Bucket=name, Key=key, Body=b"{}")
    assert told(url) == {"detached/a/b/1"}
    second = Run(aws, tmp_path)
    make(second, notified=False)
    assert second.end() == [f"{name}-notification"]
    s3.put_object(Bucket=name, Key="detached/a/b/2", Body=b"{}")
    assert told(url) == set()


def test_rules_by_tag_keep_the_tags_case(aws: Emulator, tmp_path: Path, name: str) -> None:
    run = Run(aws, tmp_path)
    run.make(BUCKET, f"{name}-bucket", {"bucket": name})
    rules = [
        {"id": "all", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 9}},
        {
            "id": "results-7",
            "status": "Enabled",
            "filter": {"and": {"prefix": "results/", "tags": {"keep-days": "7"}}},
            "expiration": {"days": 7},
            "noncurrentVersionExpiration": {"noncurrentDays": 1},
        },
    ]
    run.make(LIFECYCLE, f"{name}-lifecycle", {"bucket": name, "rules": rules})
    found = client(aws, "s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    kept = next(row for row in found if row["ID"] == "results-7")
    both = kept["Filter"]["And"]
    assert (both["Prefix"], both["Tags"]) == ("results/", [{"Key": "keep-days", "Value": "7"}])
    assert (kept["Expiration"]["Days"], kept["NoncurrentVersionExpiration"]["NoncurrentDays"]) == (7, 1)


def test_a_table_gets_the_index_that_it_lacks(aws: Emulator, tmp_path: Path, name: str) -> None:
    def make(run: Run, *, indexed: bool) -> None:
        keys = [("pk", "S"), *([("due_pk", "S"), ("due_at_s", "N")] if indexed else [])]
        index = {
            "name": "due",
            "projectionType": "KEYS_ONLY",
            "keySchemas": [
                {"attributeName": "due_pk", "keyType": "HASH"},
                {"attributeName": "due_at_s", "keyType": "RANGE"},
            ],
        }
        inputs = {
            "name": name,
            "hashKey": "pk",
            "billingMode": "PAY_PER_REQUEST",
            "attributes": [{"name": key, "type": kind} for key, kind in keys],
            **({"globalSecondaryIndexes": [index]} if indexed else {}),
        }
        run.make(TABLE, name, inputs)

    dynamodb = client(aws, "dynamodb")
    make(Run(aws, tmp_path), indexed=False)
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "due_pk": {"S": "D"}, "due_at_s": {"N": "5"}})
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "b"}})
    make(Run(aws, tmp_path), indexed=True)
    found = dynamodb.query(
        TableName=name,
        IndexName="due",
        KeyConditionExpression="due_pk = :pk AND due_at_s <= :at",
        ExpressionAttributeValues={":pk": {"S": "D"}, ":at": {"N": "9"}},
    )["Items"]
    assert found == [{"pk": {"S": "a"}, "due_pk": {"S": "D"}, "due_at_s": {"N": "5"}}]
    make(Run(aws, tmp_path), indexed=False)
    assert not dynamodb.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes")


def test_a_state_machine_is_changed_in_place(aws: Emulator, tmp_path: Path, name: str) -> None:
    states = client(aws, "stepfunctions")

    def make(run: Run, result: str) -> Mapping[str, Any]:
        definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": result, "End": True}}}
        inputs = {
            "name": name,
            "type": "STANDARD",
            "roleArn": ROLE_ARN,
            "definition": json.dumps(definition),
            "loggingConfiguration": {
                "level": "ERROR",
                "includeExecutionData": False,
                "logDestination": f"arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/states/{name}:*",
            },
            "tracingConfiguration": {"enabled": True},
        }
        return run.make(MACHINE, name, inputs)[1]

    first = Run(aws, tmp_path)
    made = make(first, "one")
    first.end()
    states.start_execution(stateMachineArn=made["arn"], name="run-1-1", input="{}")
    (tmp_path / STATE).unlink()
    second = Run(aws, tmp_path)
    assert make(second, "two")["arn"] == made["arn"]
    second.end()
    found = states.describe_state_machine(stateMachineArn=made["arn"])
    assert json.loads(found["definition"])["States"]["A"]["Result"] == "two"
    assert (found["type"], found["loggingConfiguration"]["level"]) == ("STANDARD", "ERROR")
    # An execution is a run's: it is not lost because the definition changes.
    assert [row["name"] for row in states.list_executions(stateMachineArn=made["arn"])["executions"]] == ["run-1-1"]
    assert Run(aws, tmp_path).end() == [name]
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.describe_state_machine(stateMachineArn=made["arn"])
