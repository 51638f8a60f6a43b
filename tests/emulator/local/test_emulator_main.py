"""What is written to the emulator is on the disk a moment later, and what is only read is not written again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from modelcote.local import processes
from modelcote.local.emulator import start_emulator, wait_until_ready
from modelcote.local.emulator_main import written_service
from tests.emulator.local.materialising import zipped
from tests.support.waiting import until

_SIGNED = b"AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=0"
_PRESIGNED = b"X-Amz-Credential=test%2F20261121%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0"


@pytest.mark.parametrize(
    ("service", "method", "target", "path", "written"),
    [
        (b"dynamodb", "POST", b"DynamoDB_20120810.PutItem", "/", "dynamodb"),
        (b"dynamodb", "POST", b"DynamoDB_20120810.TransactWriteItems", "/", "dynamodb"),
        (b"dynamodb", "POST", b"DynamoDB_20120810.GetItem", "/", ""),
        (b"dynamodb", "POST", b"DynamoDB_20120810.Query", "/", ""),
        (b"sqs", "POST", b"AmazonSQS.SendMessage", "/", "sqs"),
        (b"sqs", "POST", b"AmazonSQS.ReceiveMessage", "/", ""),
        (b"s3", "PUT", b"", "/bucket/key", "s3"),
        (b"s3", "GET", b"", "/bucket/key", ""),
        (b"lambda", "POST", b"", "/2015-03-31/functions", "lambda"),
        (b"lambda", "POST", b"", "/2015-03-31/functions/f/invocations", ""),
        (b"lambda", "POST", b"", "/2015-03-31/event-source-mappings", "lambda"),
        (b"states", "POST", b"AWSStepFunctions.StartExecution", "/", "states"),
        (b"states", "POST", b"AWSStepFunctions.DescribeExecution", "/", ""),
        (b"events", "POST", b"AWSEvents.PutTargets", "/", "events"),
        (b"iam", "POST", b"", "/", "iam"),
        (b"logs", "POST", b"Logs_20140328.PutLogEvents", "/", ""),
    ],
)
def test_writes_are_told_from_reads(service: bytes, method: str, target: bytes, path: str, written: str) -> None:
    headers = [(b"authorization", _SIGNED % service), (b"x-amz-target", target)]
    assert written_service({"method": method, "path": path, "headers": headers, "query_string": b""}) == written


def test_a_presigned_upload_is_a_write() -> None:
    request = {"method": "PUT", "path": "/b/k", "headers": [], "query_string": _PRESIGNED}
    assert written_service(request) == "s3"
    assert written_service({**request, "query_string": b""}) == ""


def holds(file: Path, text: str) -> bool:
    return file.exists() and text in file.read_text()


def kill(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)
    until(lambda: not processes.alive(pid))


@dataclass(frozen=True)
class Saved:
    """An emulator with its data below `folder`; started again, it has a new port."""

    folder: Path

    @contextmanager
    def running(self) -> Iterator[Callable[[str], Any]]:
        """Clients by service; killed at the end."""
        port, log = processes.free_port(), self.folder / "log"
        process = start_emulator(self.folder / "data", port, log)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(process, f"{url}/_ministack/health", log, "emulator")
            session = boto3.Session("test", "test", region_name="us-east-1")
            yield lambda service: session.client(service, endpoint_url=url)  # type: ignore[call-overload]
        finally:
            kill(process.pid)

    def wait_for(self, **texts: str) -> None:
        """Until the states of these services hold these texts."""
        files = {self.folder / "data" / "state" / f"{name}.json": text for name, text in texts.items()}
        until(lambda: all(holds(file, text) for file, text in files.items()))


def keyed(key: str, *more: str) -> dict[str, Any]:
    """The settings of a table with this key, and more attributes."""
    return {
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in (key, *more)],
        "BillingMode": "PAY_PER_REQUEST",
    }


def test_a_killed_emulator_has_what_was_written(tmp_path: Path) -> None:
    saved = Saved(tmp_path)
    with saved.running() as client:
        table, bucket = client("dynamodb"), client("s3")
        table.create_table(TableName="table", **keyed("pk"))
        table.put_item(TableName="table", Item={"pk": {"S": "kept"}})
        bucket.create_bucket(Bucket="bucket")
        bucket.put_object(Bucket="bucket", Key="k", Body=b"kept")
        saved.wait_for(dynamodb="kept", s3="bucket")
    with saved.running() as client:
        items = client("dynamodb").scan(TableName="table")["Items"]
        body = client("s3").get_object(Bucket="bucket", Key="k")["Body"].read()
        assert (items, body) == ([{"pk": {"S": "kept"}}], b"kept")


def test_a_killed_emulator_has_what_works_runs_off(tmp_path: Path) -> None:
    saved = Saved(tmp_path)
    pass_state = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    role = "arn:aws:iam::000000000000:role/r"
    with saved.running() as client:
        queue = client("sqs").create_queue(QueueName="results")["QueueUrl"]
        queue_arn = "arn:aws:sqs:us-east-1:000000000000:results"
        due = {"KeySchema": keyed("due_pk")["KeySchema"], "Projection": {"ProjectionType": "KEYS_ONLY"}}
        indexes = [{"IndexName": "due", **due}]
        client("dynamodb").create_table(TableName="runs", GlobalSecondaryIndexes=indexes, **keyed("pk", "due_pk"))
        client("dynamodb").put_item(TableName="runs", Item={"pk": {"S": "r"}, "due_pk": {"S": "D"}})
        machine = client("stepfunctions").create_state_machine(name="long-run", definition=pass_state, roleArn=role)
        client("stepfunctions").start_execution(stateMachineArn=machine["stateMachineArn"], name="r-1", input="{}")
        client("events").put_rule(Name="watchdog", ScheduleExpression="rate(1 minute)")
        client("events").put_targets(Rule="watchdog", Targets=[{"Id": "w", "Arn": "arn:aws:lambda:::function:w"}])
        function = {"Role": role, "Runtime": "python3.12", "Handler": "a.b", "Code": {"ZipFile": zipped("")}}
        client("lambda").create_function(FunctionName="f", **function)
        runs_arn = queue_arn.replace("results", "runs")
        client("lambda").create_event_source_mapping(EventSourceArn=runs_arn, FunctionName="f", BatchSize=7)
        client("s3").create_bucket(Bucket="bucket")
        told = {"QueueConfigurations": [{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}]}
        client("s3").put_bucket_notification_configuration(Bucket="bucket", NotificationConfiguration=told)
        texts = {"dynamodb": "due_pk", "stepfunctions": "r-1", "eventbridge": "watchdog", "lambda": '"BatchSize": 7'}
        saved.wait_for(**texts, s3="ObjectCreated", sqs="TestEvent")
        # Nothing but the object is written; the notice of it is made inside of the emulator.
        client("s3").put_object(Bucket="bucket", Key="detached/k", Body=b"{}")
        saved.wait_for(sqs="detached/k")
    with saved.running() as client:
        wanted = {"KeyConditionExpression": "due_pk = :d", "ExpressionAttributeValues": {":d": {"S": "D"}}}
        found = client("dynamodb").query(TableName="runs", IndexName="due", **wanted)
        assert [item["pk"]["S"] for item in found["Items"]] == ["r"]
        states = client("stepfunctions")
        assert [row["name"] for row in states.list_state_machines()["stateMachines"]] == ["long-run"]
        executions = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        assert [row["name"] for row in executions] == ["r-1"]
        assert client("events").list_targets_by_rule(Rule="watchdog")["Targets"][0]["Id"] == "w"
        (source,) = client("lambda").list_event_source_mappings(FunctionName="f")["EventSourceMappings"]
        assert (source["BatchSize"], source["State"]) == (7, "Enabled")
        notified = client("s3").get_bucket_notification_configuration(Bucket="bucket")["QueueConfigurations"]
        assert notified[0]["QueueArn"] == queue_arn
        url = client("sqs").get_queue_url(QueueName="results")["QueueUrl"]
        assert url.rsplit("/", 1)[1] == queue.rsplit("/", 1)[1]
        messages = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert any("detached/k" in message["Body"] for message in messages)
