"""Recover runs and deliveries that are overdue; runs once a minute.

The truth is in the table. A message that was lost, a worker that died, an execution that is gone, an announcement
that was never sent: each is a row of the index `due`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from modelcote.aws.table import ConditionFailed
from modelcote.core.backoff import pause_s
from modelcote.core.errors import ModelCrashed, NotYetAnswered
from modelcote.core.log import log
from modelcote.core.runs import LONG, QUEUED
from modelcote.runs.attempts import expire, lease_end, release
from modelcote.runs.executions import Executions
from modelcote.runs.messages import announce, enqueue
from modelcote.runs.records import PENDING, SHARDS, Delivery, Run
from modelcote.runs.settle import settle_stored
from modelcote.runs.store import RunStore
from modelcote.runs.worker import execution_name

_AT_ONCE = 8  # Rows looked at side by side: each is a few calls and the wait for their answers.


def watch(store: RunStore, executions: Executions, until_s: float) -> dict[str, int]:
    """Recover what is due, until the time `until_s`; return counts of what was done, for the log."""
    shards = list(range(SHARDS))
    random.shuffle(shards)  # So that no shard's backlog always precedes another's.

    def look(row: Mapping[str, Any]) -> str:
        if store.clock() >= until_s:
            return "left"
        try:
            return _look(store, executions, row["pk"], row["sk"])
        except Exception as error:  # one row's trouble is not the others'; it is due again in a minute
            log("watch failed", row=row["sk"], reason=repr(error)[:300])
            return "failed"

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        due = (row for shard in shards for row in store.table.due(f"DUE#{shard}", store.clock()))
        return dict(Counter(pool.map(look, due)))


def _look(store: RunStore, executions: Executions, pk: str, sk: str) -> str:
    item = store.table.get(pk, sk)
    if item is None or "due_pk" not in item or item["due_at_s"] > store.clock():
        return "settled"  # The index is a little behind the table.
    if sk.startswith("DELIVERY#"):
        return _delivery(store, Delivery.from_item(item), item["due_at_s"])
    run = Run.from_item(item)
    if run.state == QUEUED:
        return _queued(store, run, item["due_at_s"])
    return _running(store, executions, run, item["due_at_s"])


def _queued(store: RunStore, run: Run, due_at_s: float) -> str:
    at = store.clock()
    if run.queue_until_s <= at:
        return "expired" if expire(store, run) else "settled"
    pause = pause_s(run.resends, store.policy.resend_after_s, store.policy.resend_max_s)
    if not _postpone(store, run, due_at_s, min(at + pause, run.queue_until_s), resends=run.resends + 1):
        return "settled"
    enqueue(store, run)
    return "sent"


def _running(store: RunStore, executions: Executions, run: Run, due_at_s: float) -> str:
    at = store.clock()
    if settle_stored(store, run):
        return "completed"
    end = lease_end(store, run)
    if at < end:
        _postpone(store, run, due_at_s, end)
        return "leased"
    if run.lane == LONG and executions.running(execution_name(run)):
        if at < end + store.policy.long_given_up_s:
            _postpone(store, run, due_at_s, at + store.policy.resend_after_s)
            return "leased"
        executions.stop(execution_name(run))
        release(store, run, NotYetAnswered("the run's state machine did not end.", "Submit it again."))
        return "released"
    release(
        store,
        run,
        ModelCrashed("the run's attempt was started and never answered.", "Look at the model's logs."),
        crash=True,
    )
    return "released"


def _delivery(store: RunStore, delivery: Delivery, due_at_s: float) -> str:
    if delivery.state != PENDING:
        return "settled"
    if not _postpone(store, delivery, due_at_s, store.clock() + store.policy.delivery_claim_s):
        return "settled"
    announce(store, delivery)
    return "announced"


def _postpone(store: RunStore, row: Run | Delivery, was_s: float, at_s: float, **changes: int) -> bool:
    """Make the row due later; return False where that has been changed meanwhile."""
    try:
        store.table.update(
            row.key,
            {"due_at_s": at_s, **changes},
            "#due_at_s = :was AND #state = :state",
            was=was_s,
            state=row.state,
        )
    except ConditionFailed:
        return False
    return True
