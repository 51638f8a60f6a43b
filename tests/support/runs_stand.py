"""Runs on the emulator: a table, queues, a bucket and a key of their own, and a model's function that the test plays.

The queue's event source is played by `RunsStand.drain`, the clock by `RunsStand.at`; all else is what runs in the
functions.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from modelcote.aws.http import aws_client
from modelcote.aws.services import S3, DynamoDb, Kms, Sqs
from modelcote.aws.table import Table
from modelcote.backends import Backends
from modelcote.core.errors import ModelcoteError, ModelFailed, to_problem
from modelcote.core.event import answer_members, error_json, event_json
from modelcote.core.policy import Policy
from modelcote.core.runs import RunLimits, new_run_id
from modelcote.core.target import LAMBDA, Target
from modelcote.flow.result import dumps
from modelcote.registry.store import Registry
from modelcote.runs.accept import Submission, accept
from modelcote.runs.attempts import start
from modelcote.runs.messages import read_task
from modelcote.runs.records import Run, counter_key
from modelcote.runs.store import RunStore
from modelcote.runs.watchdog import watch
from modelcote.runs.worker import work
from modelcote.serving import stored
from modelcote.serving.predictor import respond
from tests.support.emulator import boto_client
from tests.support.lambda_door import LambdaDoor, Reply, lambda_door
from tests.support.tables import make_table

PROJECT, MODEL, TARGET = "demo", "iris", Target(LAMBDA, "local_demo_iris")
Play = Callable[[Any], bytes]


def fail(_: Any) -> bytes:
    """A model that raises."""
    raise ModelFailed("ValueError: no", "Look at it.", exception="ValueError")


def double(data: Any) -> bytes:
    """A model that doubles numbers."""
    return dumps(answer_members([[2 * value for value in row] for row in data], 1.5, len(data)))


@dataclass
class Executions:
    """The long lane's executions, played."""

    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    stopped: list[str] = field(default_factory=list)

    def start(self, name: str, parameters: str) -> None:
        if name not in self.started:
            self.started[name] = json.loads(parameters)
            self.alive.add(name)

    def running(self, name: str) -> bool:
        return name in self.alive

    def stop(self, name: str) -> None:
        self.alive.discard(name)
        self.stopped.append(name)


@dataclass
class RunsStand:
    """`store` is on boto3, `light` on the gateway's clients; both on the same table and queues."""

    store: RunStore
    light: RunStore
    registry: Registry
    door: LambdaDoor
    backends: Backends
    kms: Any
    light_kms: Kms
    key_arn: str
    executions: Executions = field(default_factory=Executions)
    play: Play = double
    offset_s: float = 0
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def clock(self) -> float:
        return time.time() + self.offset_s

    def later(self, seconds: float) -> None:
        """Moves the clock of the functions, not of the queues."""
        self.offset_s += seconds

    def with_policy(self, **changes: Any) -> RunsStand:
        policy = replace(self.store.policy, **changes)
        self.store, self.light = replace(self.store, policy=policy), replace(self.light, policy=policy)
        return self

    def submission(self, data: Any = None, **changes: Any) -> Submission:
        run_id = new_run_id(self.clock())
        body = json.dumps([[1, 2]] if data is None else data).encode()
        event = event_json(body, b"", run_id)
        made = Submission(PROJECT, MODEL, 1, TARGET, run_id, event, RunLimits(3_600, 60, 7 * 86_400), body=body)
        return replace(made, **changes)

    def accept(self, data: Any = None, **changes: Any) -> Run:
        return accept(self.light, self.submission(data, **changes))

    def done(self, data: Any = None, **changes: Any) -> Run:
        """A run that has been accepted and processed."""
        run = self.accept(data, **changes)
        self.drain()
        return self.run(run.run_id)

    def started(self, run: Run) -> Run:
        """The run in the hands of a worker that does nothing more."""
        run_started = start(self.store, PROJECT, run.run_id)
        assert run_started
        return run_started

    def messages(self, queue: str = "", wait_s: int = 0) -> list[dict[str, Any]]:
        """Receive what is in the queue now, as a Lambda event's records; it is not deleted."""
        answer = self.store.sqs.receive_message(
            QueueUrl=queue or self.store.runs_queue,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
            WaitTimeSeconds=wait_s,
        )
        return [_record(message) for message in answer.get("Messages", [])]

    def delete(self, record: Mapping[str, Any], queue: str = "") -> None:
        self.store.sqs.delete_message(QueueUrl=queue or self.store.runs_queue, ReceiptHandle=record["receiptHandle"])

    def work(self, record: Mapping[str, Any]) -> None:
        """What the worker does with one message."""
        work(self.store, read_task(record), self.backends.invoke, self.executions)

    def drain(self) -> int:
        """Works off at most ten messages that are in the queue now; how many."""
        records = self.messages()
        for record in records:
            self.work(record)
            self.delete(record)
        return len(records)

    def watch(self) -> dict[str, int]:
        return watch(self.store, self.executions, self.clock() + 60)

    def run(self, run_id: str) -> Run:
        return self.store.get(PROJECT, run_id)

    def result(self, run: Run) -> Any:
        body = self.store.s3.get_object(Bucket=self.store.bucket, Key=run.result_key)["Body"].read()
        return json.loads(body)["result"]

    def open_runs(self) -> int:
        return sum((self.store.table.get(*counter_key(PROJECT, shard)) or {"open": 0})["open"] for shard in range(16))

    def reply(self, payload: bytes) -> Reply:
        """Answer as the model's function does."""
        event = json.loads(payload)
        self.calls[event["run_id"]] += 1
        return 200, {}, respond(self._predict, event)

    def _predict(self, event: Mapping[str, Any]) -> bytes:
        try:
            return self.play(event["data"])
        except ModelcoteError as error:
            return error_json(to_problem(error))


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {
        name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
    }


@contextmanager
def runs_standing(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsStand]:
    """Everything that runs need, empty."""
    name = f"runs-{uuid.uuid4().hex[:12]}"
    dynamodb, sqs = registry.table.client, registry.sqs
    make_table(dynamodb, "runs", name)
    urls = [
        sqs.create_queue(QueueName=f"{name}-{kind}", Attributes={"VisibilityTimeout": "2"})["QueueUrl"]
        for kind in ("runs", "deliveries")
    ]
    kms = boto_client("kms", dynamodb.meta.endpoint_url)
    key_arn = kms.create_key()["KeyMetadata"]["Arn"]
    monkeypatch.setenv("MODELCOTE_BUCKET", registry.bucket)

    def clock() -> float:
        return stand.clock()

    def reply(payload: bytes) -> Reply:
        return stand.reply(payload)

    doors = {kind: aws_client(kind) for kind in ("dynamodb", "s3", "sqs", "kms")}
    light = RunStore(
        Table(DynamoDb(doors["dynamodb"]), name),  # type: ignore[arg-type]  it has the methods that are used
        S3(doors["s3"]),
        Sqs(doors["sqs"]),
        registry.bucket,
        *urls,
        Policy(),
        clock,
    )
    store = replace(light, table=Table(dynamodb, name), s3=registry.s3, sqs=sqs)
    with lambda_door(reply) as door:
        backends = door.backends()
        stand = RunsStand(store, light, registry, door, backends, kms, Kms(doors["kms"]), key_arn)
        try:
            yield stand
        finally:
            for client in (*doors.values(), stored._s3().client):
                client.close()
            stored._s3.cache_clear()
