"""The one way into a terminal state, for the worker, the state machine, the watchdog and cancel.

One transaction: the state, conditional on the attempt; the count of open runs; the webhook's outbox row. A zombie's
late result meets a condition that no longer holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelcote.aws.table import ConditionFailed, add, put, update
from modelcote.core.log import log
from modelcote.core.runs import EVENTS, OPEN, SUCCEEDED
from modelcote.runs.messages import announce
from modelcote.runs.records import Delivery, Run, counter_key, due
from modelcote.runs.store import RunStore


@dataclass(frozen=True)
class Outcome:
    """A terminal state with what belongs to it. `error` is a problem (RFC 9457), None for SUCCEEDED."""

    state: str
    error: Mapping[str, Any] | None = None
    result_key: str = ""
    result_bytes: int = 0
    result_sha256: str = ""
    run_time_ms: float = 0
    points: int = 0


def complete(store: RunStore, run: Run, outcome: Outcome, *, any_attempt: bool = False) -> bool:
    """End the run, if it is still open and on the attempt that `run` shows (with `any_attempt`: on any).

    Return True when the run has this outcome now, also where an earlier try's answer was lost; False when it has
    ended otherwise or another attempt has started.
    """
    at = store.clock()
    condition = "#state IN (:queued, :running)"
    values: dict[str, Any] = dict(zip(("queued", "running"), OPEN, strict=True))
    if not any_attempt:
        condition, values = "#state = :was AND #attempt = :attempt", {"was": run.state, "attempt": run.attempt}
    ended = update(
        run.key,
        {
            "state": outcome.state,
            "ended_at_s": at,
            "error_json": json.dumps(outcome.error) if outcome.error else "",
            "result_key": outcome.result_key,
            "result_bytes": outcome.result_bytes,
            "result_sha256": outcome.result_sha256,
            "result_until_s": at + run.result_ttl_s if outcome.state == SUCCEEDED else 0,
            "run_time_ms": outcome.run_time_ms,
            "points": outcome.points,
            "expires_at_s": int(at + store.policy.row_ttl_s),
            "due_pk": None,
            "due_at_s": None,
        },
        condition,
        **values,
    )
    count = update(counter_key(run.project, run.counter), {"open": add(-1)})
    try:
        store.table.transact(ended, count, *_outbox(store, run, outcome, at))
    except ConditionFailed:
        now = store.find(run.project, run.run_id)
        same = now is not None and (now.state, now.attempt, now.result_key) == (
            outcome.state,
            now.attempt if any_attempt else run.attempt,
            outcome.result_key,
        )
        if not same:
            return False
    _announce(store, run)
    return True


def _outbox(store: RunStore, run: Run, outcome: Outcome, at: float) -> list[dict[str, Any]]:
    if not run.webhook_url:
        return []
    policy = store.policy
    delivery = Delivery(
        project=run.project,
        run_id=run.run_id,
        model=run.model,
        url=run.webhook_url,
        event=EVENTS[outcome.state],
        dialect=run.dialect,
        created_at_s=at,
        next_at_s=at + policy.delivery_schedule_s[0],
        expires_at_s=int(at + policy.row_ttl_s),
    )
    # Due a little later than the message that is sent next: only what got lost is sent by the watchdog.
    return [put(due(delivery, delivery.next_at_s + policy.delivery_claim_s))]


def _announce(store: RunStore, run: Run) -> None:
    if not run.webhook_url:
        return
    try:
        announce(store, run, store.policy.delivery_schedule_s[0])
    except Exception as error:  # the outbox row is written: the watchdog announces it
        log("delivery not announced", run_id=run.run_id, reason=type(error).__name__)
