"""Queue messages about runs: one for the worker (the model's event, or a pointer to it in S3), one for the deliverer.

The pointer is the one of AWS's extended client library (PyPI `amazon-sqs-extended-client`, by AWS; the other package,
`sqs-extended-client`, is one person's and needs clients made by another library of the same author). Its format is
written here and not by the package: the gateway does without boto3, a function fed by an event source never receives
from the queue itself, and the package replaces boto3's session class for the whole process. A test lets the package
read what is written here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelcote.core.errors import Invalid
from modelcote.core.log import log
from modelcote.core.names import PROJECT_NAME
from modelcote.core.runs import is_run_id
from modelcote.runs.records import Delivery, Run
from modelcote.runs.store import RunStore

# Bytes. A longer event is an object: a PUT and a GET of S3 cost as much as five write units of DynamoDB (1 KB each).
INLINE_LIMIT = 1_024
POINTER_CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer"


@dataclass(frozen=True)
class Task:
    """A message as read: the run, and how often the queue has delivered it."""

    project: str
    run_id: str
    receives: int = 1


def enqueue(store: RunStore, run: Run, delay_s: float = 0) -> None:
    """Send the run's message. A failure is logged, not raised: the run stays QUEUED, and the watchdog sends it."""
    body = pointer(store.bucket, run.input_key) if run.input_key else run.input
    size = size_attribute(run.input_bytes) if run.input_key else {}
    try:
        _send(store, store.runs_queue, run, body, delay_s, size)
    except Exception as error:  # boto3's errors and the light client's have no other class in common
        log("run not sent", run_id=run.run_id, reason=type(error).__name__)


def announce(store: RunStore, row: Run | Delivery, delay_s: float = 0) -> None:
    """Notify the deliverer that a run's delivery is due."""
    body = json.dumps({"project": row.project, "run_id": row.run_id})
    _send(store, store.deliveries_queue, row, body, delay_s, {})


def _send(
    store: RunStore, queue: str, row: Run | Delivery, body: str, delay_s: float, attributes: Mapping[str, Any]
) -> None:
    names = {"project": row.project, "run_id": row.run_id}
    request: dict[str, Any] = {
        "QueueUrl": queue,
        "MessageBody": body,
        "MessageAttributes": {
            **attributes,
            **{name: {"DataType": "String", "StringValue": value} for name, value in names.items()},
        },
        # One model's backlog does not hold up the others (fair queues).
        "MessageGroupId": f"{row.project}/{row.model}",
    }
    if delay_s > 0:
        request["DelaySeconds"] = min(900, max(1, round(delay_s)))
    store.sqs.send_message(**request)


def pointer(bucket: str, key: str) -> str:
    """Return the extended client's body for a payload in S3."""
    return json.dumps([POINTER_CLASS, {"s3BucketName": bucket, "s3Key": key}])


def size_attribute(size: int) -> dict[str, Any]:
    """Return the attribute by which the extended client knows a pointer; `size` in bytes."""
    return {"ExtendedPayloadSize": {"DataType": "Number", "StringValue": str(size)}}


def read_task(record: Mapping[str, Any]) -> Task:
    """Return the task of a Lambda event's SQS record; raise `Invalid` for a message that is not ours."""
    attributes = record.get("messageAttributes") or {}
    try:
        project = str(attributes["project"]["stringValue"])
        run_id = str(attributes["run_id"]["stringValue"])
        receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign() from error
    if not PROJECT_NAME.fullmatch(project) or not is_run_id(run_id):
        raise _foreign()
    return Task(project, run_id, receives)


def _foreign() -> Invalid:
    return Invalid("the message does not name a run.", "Find out what sends to this queue.", field="messageAttributes")
