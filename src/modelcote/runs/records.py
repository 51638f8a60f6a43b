"""The rows of the runs table, as frozen values.

A project's rows are spread over eight partitions, `P#<project>#<shard>`, by the last digit of the run's id, so that
no project is held to one partition's 1,000 writes per second. Sort keys: `RUN#<id>`, `DELIVERY#<id>`,
`ATTEMPT#<id>#<nnn>`. A row that is not at rest has `due_pk` and `due_at_s`, the keys of the index `due`,
which the watchdog reads. Times are seconds since the epoch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from modelcote.aws.rows import Row
from modelcote.core.objects import DETACHED, RESULTS, ResultKey
from modelcote.core.runs import FAST, QUEUED, TERMINAL
from modelcote.core.target import LAMBDA, RENAMED, Target

SHARDS = 8
# Deliveries' states.
PENDING, DELIVERED, EXHAUSTED = "PENDING", "DELIVERED", "EXHAUSTED"
DELIVERY_STATES = (PENDING, DELIVERED, EXHAUSTED)


def shard_of(run_id: str) -> int:
    return int(run_id[-1], 16) % SHARDS


def partition(project: str, shard: int) -> str:
    return f"P#{project}#{shard}"


def run_key(project: str, run_id: str) -> tuple[str, str]:
    return partition(project, shard_of(run_id)), f"RUN#{run_id}"


def delivery_key(project: str, run_id: str) -> tuple[str, str]:
    return partition(project, shard_of(run_id)), f"DELIVERY#{run_id}"


def due_pk(run_id: str) -> str:
    """Return the partition of the index `due`."""
    return f"DUE#{shard_of(run_id)}"


def counter_key(project: str, shard: int) -> tuple[str, str]:
    """Return the key of one of the counters whose sum is the project's open runs."""
    return f"OPEN#{project}#{shard}", "OPEN"


def idempotency_key(project: str, key: str) -> tuple[str, str]:
    return f"IDEMPOTENCY#{project}#{hashlib.sha256(key.encode()).hexdigest()}", "IDEMPOTENCY"


def endpoint_key(project: str, url: str) -> tuple[str, str]:
    """Return the key of a receiver's health."""
    return f"ENDPOINT#{project}#{hashlib.sha256(url.encode()).hexdigest()}", "ENDPOINT"


@dataclass(frozen=True)
class Webhook:
    """Where a run's end is delivered. `url` is empty for none, `auth` sealed (`modelcote.webhooks.seal`).

    `default_auth`: the model's own credentials go with it.
    """

    url: str = ""
    auth: str = ""
    default_auth: bool = False


@dataclass(frozen=True)
class Run(Row):
    """One prediction in the background.

    `input` is the model's event as JSON where it is short, else `input_key` names the object that holds it. `dialect`
    is how it was submitted (`native`, `conduit`, `launch`) and shapes its webhook. `detached` is a synchronous call
    that outlasted the gateway. `worker` is the one that started the last attempt. `webhook_auth` is sealed
    (`modelcote.webhooks.seal`). `failures`, `crashes` and `resends` decide whether there is another try.
    """

    renamed = RENAMED

    project: str
    run_id: str
    model: str
    version: int
    address: str
    backend: str = LAMBDA
    state: str = QUEUED
    lane: str = FAST
    dialect: str = "native"
    detached: bool = False
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    resends: int = 0
    counter: int = 0
    created_at_s: float = 0
    queue_until_s: float = 0
    run_limit_s: float = 60
    keep_days: int = 7
    result_ttl_s: float = 0
    started_at_s: float = 0
    lease_until_s: float = 0
    worker: str = ""
    ended_at_s: float = 0
    input: str = ""
    input_key: str = ""
    input_bytes: int = 0
    result_key: str = ""
    result_bytes: int = 0
    result_sha256: str = ""
    result_until_s: float = 0
    run_time_ms: float = 0
    points: int = 0
    error_json: str = ""
    webhook_url: str = ""
    webhook_auth: str = ""
    webhook_default_auth: bool = False
    expires_at_s: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return run_key(self.project, self.run_id)

    @property
    def target(self) -> Target:
        """Where its version is called."""
        return Target(self.backend, self.address)

    @property
    def open(self) -> bool:
        return self.state not in TERMINAL

    @property
    def error(self) -> dict[str, Any] | None:
        """The problem (RFC 9457) of a run that did not succeed."""
        problem: dict[str, Any] | None = json.loads(self.error_json) if self.error_json else None
        return problem

    def result_object(self, attempt: int) -> str:
        """Return the key of the object for an attempt's result."""
        folder = DETACHED if self.detached and attempt == 1 else RESULTS
        return str(ResultKey(folder, self.project, self.model, self.run_id, attempt))


@dataclass(frozen=True)
class Delivery(Row):
    """What a receiver is owed about one run: the outbox. `attempts` counts all of them, `tries` those since the
    last replay; the schedule is over the tries. `replays` counts the replays.
    """

    project: str
    run_id: str
    model: str
    url: str
    event: str
    dialect: str
    state: str = PENDING
    attempts: int = 0
    tries: int = 0
    replays: int = 0
    created_at_s: float = 0
    next_at_s: float = 0
    delivered_at_s: float = 0
    claimed_until_s: float = 0
    reason: str = ""
    expires_at_s: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return delivery_key(self.project, self.run_id)

    @property
    def webhook_id(self) -> str:
        """The same over all attempts and replays, so that the receiver can tell a repetition."""
        return f"msg_{self.run_id}"


@dataclass(frozen=True)
class Attempt(Row):
    """One attempt at a delivery. `status` is 0 where no answer came; `answer` is its first 4 KB as text."""

    project: str
    run_id: str
    number: int
    at_s: float
    status: int = 0
    error: str = ""
    answer: str = ""
    took_ms: float = 0
    expires_at_s: int = 0

    @property
    def key(self) -> tuple[str, str]:
        pk = partition(self.project, shard_of(self.run_id))
        return pk, f"ATTEMPT#{self.run_id}#{self.number:03d}"


def due(row: Run | Delivery, at_s: float) -> dict[str, Any]:
    """Return the row's item with the keys of the index `due`."""
    return {**row.to_item(), "due_pk": due_pk(row.run_id), "due_at_s": at_s}
