"""Attempts at a run: start one, give it back, or let the run expire before."""

from __future__ import annotations

import uuid

from modelcote.aws.table import ConditionFailed, add, plus
from modelcote.core.backoff import pause_s
from modelcote.core.errors import ModelcoteError, RunExpired, to_problem
from modelcote.core.runs import EXPIRED, FAILED, LONG, QUEUED, RUNNING
from modelcote.runs.complete import Outcome, complete
from modelcote.runs.messages import enqueue
from modelcote.runs.records import Run, due_pk, run_key
from modelcote.runs.store import RunStore


def start(store: RunStore, project: str, run_id: str) -> Run | None:
    """Start the next attempt: the run RUNNING under a lease. One conditional write, before the model is called.

    Return None when there is nothing to do: the run has ended, or another worker holds it (a message that was
    delivered twice; if that worker has died, the watchdog takes over after the lease). A run that has waited too long
    becomes EXPIRED.
    """
    at, worker = store.clock(), uuid.uuid4().hex
    try:
        item = store.table.update(
            run_key(project, run_id),
            {
                "state": RUNNING,
                "attempt": add(1),
                "started_at_s": at,
                "worker": worker,
                # The lease depends on the run's own limit, which DynamoDB adds.
                "lease_until_s": plus("run_limit_s", at + store.policy.lease_slack_s),
                "due_pk": due_pk(run_id),
                "due_at_s": plus("run_limit_s", at + store.policy.lease_slack_s),
            },
            "#state = :queued AND #queue_until_s > :at",
            queued=QUEUED,
            at=at,
        )
    except ConditionFailed:
        run = store.find(project, run_id)
        if run is None:
            return None
        if run.state == RUNNING and run.worker == worker:
            return run  # The write was made, and its answer lost.
        if run.state == QUEUED and run.queue_until_s <= at:
            expire(store, run)
        return None
    return Run.from_item(item)


def lease_end(store: RunStore, run: Run) -> float:
    """Return when the attempt is given up, in seconds since the epoch."""
    return run.lease_until_s + (store.policy.long_slack_s if run.lane == LONG else 0)


def expire(store: RunStore, run: Run) -> bool:
    """End a run that has been QUEUED beyond its limit; return whether it is EXPIRED now."""
    waited = run.queue_until_s - run.created_at_s
    error = RunExpired(
        f"the run waited in the queue for more than {waited:.0f} seconds.",
        "Raise max_replicas, or the run's queue limit.",
    )
    return complete(store, run, Outcome(EXPIRED, to_problem(error)))


def release(store: RunStore, run: Run, error: ModelcoteError, *, failure: bool = True, crash: bool = False) -> None:
    """Give the attempt back after a failure of the infrastructure: QUEUED again after a pause, or FAILED.

    `failure` counts towards the policy's `failures`, `crash` towards its `crashes`; a throttle towards neither, and
    ends at the queue's limit.
    """
    policy = store.policy
    failures, crashes = run.failures + failure, run.crashes + crash
    if failures >= policy.failures or crashes >= policy.crashes:
        complete(store, run, Outcome(FAILED, {**to_problem(error), "attempts": run.attempt}))
        return
    pause = pause_s(run.attempt - 1, policy.retry_after_s, policy.retry_max_s, spread=0.5)
    at = store.clock()
    try:
        item = store.table.update(
            run.key,
            {
                "state": QUEUED,
                "failures": failures,
                "crashes": crashes,
                "due_pk": due_pk(run.run_id),
                "due_at_s": at + pause + policy.resend_after_s,
            },
            "#state = :running AND #attempt = :attempt",
            running=RUNNING,
            attempt=run.attempt,
        )
    except ConditionFailed:
        return  # Ended or taken over meanwhile.
    enqueue(store, Run.from_item(item), pause)
