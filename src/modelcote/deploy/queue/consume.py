"""Consume the deploy queue: everything that waits, in one batch after another."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelcote.deploy.artifacts.provider import RuntimeProvider
from modelcote.deploy.program.engine import Engine
from modelcote.deploy.queue.worker import process
from modelcote.registry.store import Registry

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

# SQS's own limits: messages at once, and seconds of a long poll.
_AT_ONCE = 10
_LONG_POLL_S = 20
_MOST = 100
# How long a message is hidden while it is processed; extended three times as often.
_HIDDEN_S = 120


@dataclass(frozen=True)
class Message:
    """A message of the deploy queue; `body` is the request."""

    receipt: str
    body: dict[str, Any]


def consume(
    registry: Registry,
    engine: Engine,
    runtimes: RuntimeProvider,
    *,
    stack: str,
    until: Callable[[], bool] | None = None,
    poll_s: int = _LONG_POLL_S,
) -> int:
    """Process the queue until `until` returns True after a batch or, without it, until the queue is empty.

    Return the number of requests. A batch that raises stays in the queue and is redelivered.
    """
    processed = 0
    while True:
        messages = receive(registry.sqs, registry.queue_url, poll_s if until is not None else 1)
        if messages:
            with _hidden(registry.sqs, registry.queue_url, messages):
                process([row.body for row in messages], registry, engine, runtimes, stack=stack)
            for row in messages:
                registry.sqs.delete_message(QueueUrl=registry.queue_url, ReceiptHandle=row.receipt)
            processed += len(messages)
        if until() if until is not None else not messages:
            return processed


def receive(sqs: SQSClient, queue_url: str, wait_s: int) -> list[Message]:
    """Return the waiting messages: wait up to `wait_s` for the first, and not for the others."""
    messages: list[Message] = []
    while len(messages) < _MOST:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=_AT_ONCE,
            WaitTimeSeconds=0 if messages else wait_s,
            VisibilityTimeout=_HIDDEN_S,
        )
        rows = answer.get("Messages", [])
        messages += [Message(row["ReceiptHandle"], json.loads(row["Body"])) for row in rows]
        if not rows:
            break
    return messages


@contextmanager
def _hidden(sqs: SQSClient, queue_url: str, messages: Sequence[Message]) -> Iterator[None]:
    """Keep the messages hidden while they are processed."""
    processed = threading.Event()

    def extend() -> None:
        while not processed.wait(_HIDDEN_S / 3):
            for row in messages:
                with suppress(Exception):  # tried again in a third of the time
                    sqs.change_message_visibility(
                        QueueUrl=queue_url, ReceiptHandle=row.receipt, VisibilityTimeout=_HIDDEN_S
                    )

    thread = threading.Thread(target=extend, name="visibility", daemon=True)
    thread.start()
    try:
        yield
    finally:
        processed.set()
        thread.join()
