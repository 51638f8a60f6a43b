"""Taking deploy requests off the queue: everything that waits, at once, again and again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelcote.deploy.artifacts.builder import Builder
from modelcote.deploy.program.engine import Engine
from modelcote.deploy.queue.worker import work
from modelcote.registry.store import Registry

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

# SQS's own limits: messages at once, and seconds of a long poll.
_AT_ONCE = 10
_LONG_POLL_S = 20
_MOST = 100
# What a message is hidden for while it is worked on; prolonged three times as often.
_HIDDEN_S = 120


@dataclass(frozen=True)
class Request:
    """A message of the deploy queue; `body` is what was asked for."""

    receipt: str
    body: dict[str, Any]


def serve(
    registry: Registry,
    engine: Engine,
    builder: Builder,
    *,
    stack: str,
    until: Callable[[], bool] | None = None,
    poll_s: int = _LONG_POLL_S,
) -> int:
    """Works off the queue until `until` says so after a batch, or, without it, until the queue is empty.

    Gives the number of requests. A batch that raises is left in the queue, whence it comes back.
    """
    done = 0
    while True:
        requests = receive(registry.sqs, registry.queue_url, poll_s if until is not None else 1)
        if requests:
            with _hidden(registry.sqs, registry.queue_url, requests):
                work([row.body for row in requests], registry, engine, builder, stack=stack)
            for row in requests:
                registry.sqs.delete_message(QueueUrl=registry.queue_url, ReceiptHandle=row.receipt)
            done += len(requests)
        if until() if until is not None else not requests:
            return done


def receive(sqs: SQSClient, queue_url: str, wait_s: int) -> list[Request]:
    """What waits: at least one message if one comes within `wait_s`, and everything that is there with it."""
    found: list[Request] = []
    while len(found) < _MOST:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=_AT_ONCE,
            WaitTimeSeconds=0 if found else wait_s,
            VisibilityTimeout=_HIDDEN_S,
        )
        rows = answer.get("Messages", [])
        found += [Request(row["ReceiptHandle"], json.loads(row["Body"])) for row in rows]
        if not rows:
            break
    return found


@contextmanager
def _hidden(sqs: SQSClient, queue_url: str, requests: Sequence[Request]) -> Iterator[None]:
    """Keeps the messages from coming back while they are worked on."""
    done = threading.Event()

    def prolong() -> None:
        while not done.wait(_HIDDEN_S / 3):
            for row in requests:
                with suppress(Exception):  # tried again in a third of the time
                    sqs.change_message_visibility(
                        QueueUrl=queue_url, ReceiptHandle=row.receipt, VisibilityTimeout=_HIDDEN_S
                    )

    thread = threading.Thread(target=prolong, name="visibility", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
