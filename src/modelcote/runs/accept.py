"""Acceptance: one transaction writes the run, its Idempotency-Key and the count of open runs; then it is queued.

A 202 is a promise: if the message could not be sent, the watchdog sends it.
"""

from __future__ import annotations

import hashlib
import random
import time
from dataclasses import dataclass, field, replace
from typing import Any

from modelcote.aws.table import ConditionFailed, add, put, update
from modelcote.backends import spec_of
from modelcote.core.errors import BackendUnavailable, Invalid, TooManyRequests
from modelcote.core.objects import input_key
from modelcote.core.runs import FAST, RUNNING, RunLimits
from modelcote.core.target import Target
from modelcote.runs.messages import INLINE_LIMIT, enqueue
from modelcote.runs.records import Run, Webhook, counter_key, due, idempotency_key
from modelcote.runs.store import RunStore

_RUNS_PER_COUNTER = 500
_MAX_COUNTERS = 16
_FULL_S = 1.0


@dataclass(frozen=True)
class Submission:
    """A prediction to be made in the background. `event` is the model's event, JSON; `body` what the caller sent."""

    project: str
    model: str
    version: int
    target: Target
    run_id: str
    event: bytes
    limits: RunLimits
    dialect: str = "native"
    webhook: Webhook = field(default_factory=Webhook)
    idempotency_key: str = ""
    body: bytes = b""


def accept(store: RunStore, submission: Submission) -> Run:
    """Accept a run, or return the one of an earlier request with the same Idempotency-Key and body.

    Raise `TooManyRequests` at the quota of open runs, `Invalid` for a key that was used with another body, and
    `BackendUnavailable` when it could not be written: then nothing was accepted.
    """
    digest = hashlib.sha256(submission.model.encode() + b"\0" + submission.body).hexdigest()
    earlier = _earlier(store, submission, digest)
    if earlier is not None:
        return earlier
    if store.full.get(submission.project, 0) > time.monotonic():
        raise _quota(store)
    run = _stored_input(store, _run_of(store, submission), submission.event)
    run, fresh = _write(store, run, submission, digest)
    if fresh:
        enqueue(store, run)
    return run


def detach(store: RunStore, submission: Submission, started_at_s: float) -> Run:
    """Make a run of a synchronous call that goes on computing: RUNNING, its first attempt the one already started.

    It is counted, but no quota rejects it: the work is under way.
    """
    lease = started_at_s + submission.limits.run_s + store.policy.lease_slack_s
    run = replace(
        _run_of(store, submission),
        state=RUNNING,
        detached=True,
        attempt=1,
        started_at_s=started_at_s,
        lease_until_s=lease,
        worker="gateway",
    )
    run = _stored_input(store, run, submission.event)
    # Soon, since the result may have been stored while this was written; S3's notice would have found no run.
    soon = store.clock() + store.policy.keep_after_s
    count = update(counter_key(run.project, run.counter), {"open": add(1)})
    store.table.transact(put(due(run, soon), "attribute_not_exists(#pk)"), count)
    return run


def counters(policy_open_runs: int) -> list[int]:
    """Return how many open runs each counter may hold; together exactly the quota."""
    number = min(_MAX_COUNTERS, max(1, policy_open_runs // _RUNS_PER_COUNTER))
    share, rest = divmod(policy_open_runs, number)
    return [share + (place < rest) for place in range(number)]


def _run_of(store: RunStore, submission: Submission) -> Run:
    at, limits, policy = store.clock(), submission.limits, store.policy
    return Run(
        project=submission.project,
        run_id=submission.run_id,
        model=submission.model,
        version=submission.version,
        backend=submission.target.backend,
        address=submission.target.address,
        lane=spec_of(submission.target.backend).lane(limits.run_s, policy.fast_limit_s),
        dialect=submission.dialect,
        created_at_s=at,
        queue_until_s=at + limits.queue_s,
        run_limit_s=limits.run_s,
        keep_days=limits.keep_days,
        result_ttl_s=limits.result_s,
        webhook_url=submission.webhook.url,
        webhook_auth=submission.webhook.auth,
        webhook_default_auth=submission.webhook.default_auth,
        expires_at_s=int(at + limits.queue_s + policy.row_ttl_s),
    )


def _stored_input(store: RunStore, run: Run, event: bytes) -> Run:
    # A state machine's input shows in its history, so the long lane's data never goes there.
    if len(event) <= INLINE_LIMIT and run.lane == FAST:
        return replace(run, input=event.decode())
    key = input_key(run.project, run.model, run.run_id)
    try:
        store.s3.put_object(Bucket=store.bucket, Key=key, Body=event, ContentType="application/json")
    except Exception as error:
        raise _not_accepted() from error
    return replace(run, input_key=key, input_bytes=len(event))


def _earlier(store: RunStore, submission: Submission, digest: str) -> Run | None:
    if not submission.idempotency_key:
        return None
    try:
        item = store.table.get(*idempotency_key(submission.project, submission.idempotency_key))
        if item is None or item["expires_at_s"] <= store.clock():
            return None
        run = store.get(submission.project, item["run_id"])
    except Exception as error:
        raise _not_accepted() from error
    if item["digest"] != digest:
        raise Invalid(
            "this Idempotency-Key was used with another body or model.",
            "Use a new key for a new request.",
            field="Idempotency-Key",
        )
    return run


def _write(store: RunStore, run: Run, submission: Submission, digest: str) -> tuple[Run, bool]:
    """Write the run; return it, and whether it is new."""
    limits = counters(store.policy.open_runs)
    first = random.randrange(len(limits))  # noqa: S311  spreads writes, no secret
    for step in range(len(limits)):
        place = (first + step) % len(limits)
        run = replace(run, counter=place)
        try:
            store.table.transact(*_actions(store, run, submission, digest, limits[place]))
        except ConditionFailed as refused:
            if 0 in refused.failed:
                # An answer was lost on the way, and the same write was sent again.
                return run, True
            if 2 in refused.failed:
                earlier = _earlier(store, submission, digest)
                if earlier is not None:
                    return earlier, False
        except Exception as error:
            if _was_written(store, run):
                return run, True
            raise _not_accepted() from error
        else:
            return run, True
    store.full[run.project] = time.monotonic() + _FULL_S
    raise _quota(store)


def _actions(store: RunStore, run: Run, submission: Submission, digest: str, limit: int) -> list[dict[str, Any]]:
    actions = [
        put(due(run, run.created_at_s + store.policy.resend_after_s), "attribute_not_exists(#pk)"),
        update(
            counter_key(run.project, run.counter),
            {"open": add(1)},
            "attribute_not_exists(#open) OR #open < :limit",
            limit=limit,
        ),
    ]
    if submission.idempotency_key:
        pk, sk = idempotency_key(run.project, submission.idempotency_key)
        row = {
            "pk": pk,
            "sk": sk,
            "run_id": run.run_id,
            "digest": digest,
            "expires_at_s": int(run.created_at_s + store.policy.idempotency_ttl_s),
        }
        # DynamoDB removes what has expired within days, not at once.
        actions.append(put(row, "attribute_not_exists(#pk) OR #expires_at_s <= :now", now=run.created_at_s))
    return actions


def _was_written(store: RunStore, run: Run) -> bool:
    try:
        return store.find(run.project, run.run_id) is not None
    except Exception as error:
        raise _not_accepted() from error


def _not_accepted() -> BackendUnavailable:
    return BackendUnavailable("the run could not be accepted.", "Send it again, with the same Idempotency-Key.")


def _quota(store: RunStore) -> TooManyRequests:
    return TooManyRequests(
        f"the project has reached its limit of {store.policy.open_runs:,} open runs.",
        "Wait until some have ended, or cancel some.",
        retry_after_s=5,
    )
