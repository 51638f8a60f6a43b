"""The queue message of a run: the model's event, or a pointer to it in S3.

The pointer is the one of AWS's extended client library (PyPI `amazon-sqs-extended-client`, by AWS; the other package,
`sqs-extended-client`, is one person's and wants the clients to be made by another library of his). Its format is
written here and not by the package, since the gateway does without boto3, a function that is fed by an event source
never receives from the queue itself, and the package exchanges boto3's session class for the whole process; a test
lets the package read what is written here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelcote.core.errors import Invalid
from modelcote.core.names import PROJECT_NAME
from modelcote.core.runs import is_run_id

# Bytes. A longer event is an object: a PUT and a GET of S3 cost as much as five write units of DynamoDB (1 KB each).
INLINE_LIMIT = 1_024
POINTER_CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer"


@dataclass(frozen=True)
class Task:
    """A message, read: the run, and how often the queue has given it out."""

    project: str
    run_id: str
    receives: int = 1


def body_of(bucket: str, event: str, input_key: str) -> str:
    """The message body: the event as it is, or the pointer to the object that holds it."""
    return pointer(bucket, input_key) if input_key else event


def pointer(bucket: str, key: str) -> str:
    """The extended client's body for a payload in S3."""
    return json.dumps([POINTER_CLASS, {"s3BucketName": bucket, "s3Key": key}])


def size_attribute(size: int) -> dict[str, Any]:
    """The attribute by which the extended client knows a pointer; `size` in bytes."""
    return {"ExtendedPayloadSize": {"DataType": "Number", "StringValue": str(size)}}


def read_task(record: Mapping[str, Any]) -> Task:
    """The task of a Lambda event's SQS record; raises `Invalid` for a message that is none of ours."""
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
    return Invalid("a message names no run.", "Find out who else sends to this queue.", field="messageAttributes")
