"""What processes runs, on the emulator: changed in place, found again where it is, and taken away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.emulator.local.materialising import QUEUE, ROLE_ARN, TABLE, Bench, Run

SOURCE, MACHINE = "aws:lambda/eventSourceMapping:EventSourceMapping", "aws:sfn/stateMachine:StateMachine"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
BUCKET, NOTIFICATION = "aws:s3/bucket:Bucket", "aws:s3/bucketNotification:BucketNotification"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def test_a_queue_keeps_its_messages_when_its_settings_change(resources: Bench) -> None:
    name, sqs = resources.name, resources.client("sqs")
    url, _ = resources.run(Run.make, QUEUE, name, {"name": name, "visibilityTimeoutSeconds": 60})
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    resources.run(Run.make, QUEUE, name, {"name": name, "visibilityTimeoutSeconds": 90})
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["ApproximateNumberOfMessages"]) == ("90", "1")


def test_an_event_source_is_changed_in_place(resources: Bench) -> None:
    name = resources.name

    def make(run: Run, batch: int, queue: str = "q", **scaling: Any) -> Mapping[str, Any]:
        arn = run.make(QUEUE, f"{name}-{queue}", {"name": f"{name}-{queue}"})[1]["arn"]
        resources.function(run)
        inputs = {"eventSourceArn": arn, "functionName": name, "batchSize": batch, **scaling}
        return run.make(SOURCE, f"{name}-source", {**inputs, "functionResponseTypes": ["ReportBatchItemFailures"]})[1]

    def sources() -> list[dict[str, Any]]:
        rows: list[Any] = resources.client("lambda").list_event_source_mappings(FunctionName=name)[
            "EventSourceMappings"
        ]
        return rows

    before = resources.run(make, 10, scalingConfig={"maximumConcurrency": 5})
    (row,) = sources()
    assert (row["BatchSize"], row["ScalingConfig"]) == (10, {"MaximumConcurrency": 5})
    assert row["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (before["uuid"], before["arn"].rsplit(":", 1)[1]) == (row["UUID"], row["UUID"])
    # Written down or not, it is found again.
    for lost in (False, True):
        if lost:
            resources.lose_state()
        assert resources.run(make, 3 - lost)["uuid"] == before["uuid"]
        (row,) = sources()
        assert (row["BatchSize"], row["ScalingConfig"]) == (3 - lost, {})
    after = resources.run(make, 2, "other")
    (row,) = sources()
    assert row["UUID"] == after["uuid"] != before["uuid"]
    assert row["EventSourceArn"].endswith(f"{name}-other")
    resources.run(resources.function)
    assert sources() == []


def test_a_schedule_and_its_target_come_and_go(resources: Bench) -> None:
    name, events = resources.name, resources.client("events")

    def make(run: Run, rate: str) -> Mapping[str, Any]:
        _, rule = run.make(RULE, f"{name}-rule", {"name": name, "scheduleExpression": rate, "state": "ENABLED"})
        target = {"rule": name, "arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}", "input": "{}"}
        run.make(TARGET, f"{name}-target", {**target, "targetId": "watchdog"})
        return rule

    assert resources.run(make, "rate(5 minutes)")["arn"] == events.describe_rule(Name=name)["Arn"]
    resources.run(make, "rate(1 minute)")
    assert resources.changed == [f"urn:pulumi:local::modelcote::{RULE}::{name}-rule"]
    rule = events.describe_rule(Name=name)
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
    assert (target["Id"], target["Input"]) == ("watchdog", "{}")
    assert resources.end() == [f"{name}-target", f"{name}-rule"]
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name=name)


def test_a_bucket_notifies_its_queue_until_it_no_longer_should(resources: Bench) -> None:
    name, s3, sqs = resources.name, resources.client("s3"), resources.client("sqs")

    def make(run: Run, *, notified: bool) -> str:
        _, queue = run.make(QUEUE, name, {"name": name})
        run.make(BUCKET, f"{name}-bucket", {"bucket": name})
        row = {"id": "d", "queueArn": queue["arn"], "events": ["s3:ObjectCreated:*"], "filterPrefix": "detached/"}
        if notified:
            run.make(NOTIFICATION, f"{name}-notification", {"bucket": name, "queues": [row]})
        return str(queue["url"])

    def notices(url: str) -> set[str]:
        rows: list[Any] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                rows += json.loads(message["Body"]).get("Records", [])  # S3's own test event has none.
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return {row["s3"]["object"]["key"] for row in rows}

    url = resources.run(make, notified=True)
    for key in ("detached/a/b/1", "results/a/b/1"):
        s3.put_object(Bucket=name, Key=key, Body=b"{}")
    assert notices(url) == {"detached/a/b/1"}
    resources.run(make, notified=False)
    assert resources.removed == [f"{name}-notification"]
    s3.put_object(Bucket=name, Key="detached/a/b/2", Body=b"{}")
    assert notices(url) == set()


def test_rules_by_tag_keep_the_tags_case(resources: Bench) -> None:
    name, run = resources.name, resources.begin()
    run.make(BUCKET, f"{name}-bucket", {"bucket": name})
    tagged = {"prefix": "results/", "tags": {"keep-days": "7"}}
    days = {"expiration": {"days": 7}, "noncurrentVersionExpiration": {"noncurrentDays": 1}}
    rules = [
        {"id": "all", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 9}},
        {"id": "results-7", "status": "Enabled", "filter": {"and": tagged}, **days},
    ]
    run.make(LIFECYCLE, f"{name}-lifecycle", {"bucket": name, "rules": rules})
    stored = resources.client("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    rule = next(row for row in stored if row["ID"] == "results-7")
    both = rule["Filter"]["And"]
    assert (both["Prefix"], both["Tags"]) == ("results/", [{"Key": "keep-days", "Value": "7"}])
    assert (rule["Expiration"]["Days"], rule["NoncurrentVersionExpiration"]["NoncurrentDays"]) == (7, 1)


def test_a_table_gets_the_index_that_it_lacks(resources: Bench) -> None:
    name, dynamodb = resources.name, resources.client("dynamodb")
    schemas = [{"attributeName": "due_pk", "keyType": "HASH"}, {"attributeName": "due_at_s", "keyType": "RANGE"}]
    index = {"name": "due", "projectionType": "KEYS_ONLY", "keySchemas": schemas}

    def make(*, indexed: bool) -> None:
        keys = {"pk": "S", "due_pk": "S", "due_at_s": "N"} if indexed else {"pk": "S"}
        inputs = {"name": name, "hashKey": "pk", "billingMode": "PAY_PER_REQUEST"}
        attributes = {"attributes": [{"name": key, "type": kind} for key, kind in keys.items()]}
        indexes = {"globalSecondaryIndexes": [index]} if indexed else {}
        resources.begin().make(TABLE, name, {**inputs, **attributes, **indexes})

    make(indexed=False)
    row = {"pk": {"S": "a"}, "due_pk": {"S": "D"}, "due_at_s": {"N": "5"}}
    for item in (row, {"pk": {"S": "b"}}):
        dynamodb.put_item(TableName=name, Item=item)
    make(indexed=True)
    answer = dynamodb.query(
        TableName=name,
        IndexName="due",
        KeyConditionExpression="due_pk = :pk AND due_at_s <= :at",
        ExpressionAttributeValues={":pk": {"S": "D"}, ":at": {"N": "9"}},
    )
    assert answer["Items"] == [row]
    make(indexed=False)
    assert not dynamodb.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes")


def test_a_state_machine_is_changed_in_place(resources: Bench) -> None:
    name, states = resources.name, resources.client("stepfunctions")
    log = f"arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/states/{name}:*"
    logging = {"level": "ERROR", "includeExecutionData": False, "logDestination": log}

    def make(run: Run, result: str) -> Mapping[str, Any]:
        definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": result, "End": True}}}
        inputs = {"name": name, "type": "STANDARD", "roleArn": ROLE_ARN, "definition": json.dumps(definition)}
        settings = {"loggingConfiguration": logging, "tracingConfiguration": {"enabled": True}}
        return run.make(MACHINE, name, {**inputs, **settings})[1]

    arn = resources.run(make, "one")["arn"]
    states.start_execution(stateMachineArn=arn, name="run-1-1", input="{}")
    resources.lose_state()
    assert resources.run(make, "two")["arn"] == arn
    machine = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(machine["definition"])["States"]["A"]["Result"] == "two"
    assert (machine["type"], machine["loggingConfiguration"]["level"]) == ("STANDARD", "ERROR")
    # An execution is a run's: it is not lost because the definition changes.
    assert [row["name"] for row in states.list_executions(stateMachineArn=arn)["executions"]] == ["run-1-1"]
    assert resources.end() == [name]
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.describe_state_machine(stateMachineArn=arn)
