"""What is written to the emulator is on the disk a moment later, and what is only read is not written again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import boto3
import pytest

from modelcote.local import processes
from modelcote.local.emulator import start_emulator, wait_until_ready
from modelcote.local.saving import written_service

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
    while processes.alive(pid):
        time.sleep(0.01)


def test_a_killed_emulator_has_what_was_written(tmp_path: Path) -> None:
    session = boto3.Session("test", "test", region_name="us-east-1")

    def start() -> tuple[int, str]:
        port, log = processes.free_port(), tmp_path / "log"
        process = start_emulator(tmp_path / "data", port, log)
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(process, f"{url}/_ministack/health", log, "emulator")
        return process.pid, url

    pid, url = start()
    try:
        table, bucket = session.client("dynamodb", endpoint_url=url), session.client("s3", endpoint_url=url)
        table.create_table(
            TableName="table",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        table.put_item(TableName="table", Item={"pk": {"S": "kept"}})
        bucket.create_bucket(Bucket="bucket")
        bucket.put_object(Bucket="bucket", Key="k", Body=b"kept")
        state = tmp_path / "data" / "state"
        deadline = time.monotonic() + 20
        while not (holds(state / "dynamodb.json", "kept") and holds(state / "s3.json", "bucket")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        kill(pid)
    pid, url = start()
    try:
        items = session.client("dynamodb", endpoint_url=url).scan(TableName="table")["Items"]
        body = session.client("s3", endpoint_url=url).get_object(Bucket="bucket", Key="k")["Body"].read()
        assert (items, body) == ([{"pk": {"S": "kept"}}], b"kept")
    finally:
        kill(pid)
