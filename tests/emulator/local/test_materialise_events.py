"""Makers of what calls functions, and of what holds data: changed in place, and taken away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelcote.local.materialise.state import STATE
from tests.emulator.local.materialising import QUEUE, TABLE, Run, client, function
from tests.support.emulator import Emulator

SOURCE, MACHINE = "aws:lambda/eventSourceMapping:EventSourceMapping", "aws:sfn/stateMachine:StateMachine"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
BUCKET, NOTIFICATION = "aws:s3/bucket:Bucket", "aws:s3/bucketNotification:BucketNotification"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
ROLE_ARN = "arn:aws:iam::000000000000:role/r"


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
