"""Turn an attempt's answer, or the reason why there is none, into the run's next state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelcote.core.errors import (
    BackendUnavailable,
    ModelcoteError,
    ModelCrashed,
    ModelTimeout,
    NotFound,
    NotYetAnswered,
    PayloadTooLarge,
    TooManyRequests,
    to_problem,
)
from modelcote.core.event import read_stored
from modelcote.core.runs import FAILED, SUCCEEDED, TIMED_OUT
from modelcote.core.texts import shortened
from modelcote.runs.answers import head, read_answer
from modelcote.runs.attempts import release
from modelcote.runs.complete import Outcome, complete
from modelcote.runs.records import Run
from modelcote.runs.store import RunStore

# Codes of problems of the platform inside the model's function, not of the model: tried again.
_RETRIED = frozenset({BackendUnavailable.code})
# Exceptions raised by a malformed answer.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
# Of a model's problem: members, and characters of a name and of a text. The row that keeps it has at most 400 KB.
_MEMBERS, _NAME, _TEXT = 32, 100, 2_000
_PROBLEM_BYTES = 256 * 1024


def settle_answer(store: RunStore, run: Run, answer: bytes) -> None:
    """Settle an answer, `{"stored": {...}}` or `{"error": problem}`. The model's own error is FAILED at once."""
    try:
        members: Any = json.loads(answer)
        failed = "error" in members
        outcome = _failed(members["error"]) if failed else _succeeded(run, members["stored"])
    except (*_UNREADABLE, RecursionError):
        settle_failure(store, run, _no_answer())
        return
    if outcome.error and outcome.error.get("code") in _RETRIED:
        release(store, run, BackendUnavailable(str(outcome.error.get("detail", "")), "Try again in a moment."))
        return
    complete(store, run, outcome)


def _succeeded(run: Run, members: Mapping[str, Any]) -> Outcome:
    """Return the outcome of a stored answer; raise one of `_UNREADABLE`.

    The object is the attempt's own, whatever the function says: a model's code must not name another project's.
    """
    stored = read_stored(members)
    return Outcome(
        SUCCEEDED,
        result_key=run.result_object(run.attempt),
        result_bytes=stored.size,
        result_sha256=stored.sha256,
        run_time_ms=stored.run_time_ms,
        points=stored.points,
    )


def _failed(problem: Any) -> Outcome:
    """Return the end with a problem, cut to a length that fits a row; raise one of `_UNREADABLE`."""
    if not isinstance(problem, Mapping):
        raise TypeError("a problem is an object")
    members = list(problem.items())[:_MEMBERS]
    # No number that the table could not hold.
    small = {str(name)[:_NAME]: value if _is_small(value) else shortened(str(value), _TEXT) for name, value in members}
    return Outcome(TIMED_OUT if small.get("code") == ModelTimeout.code else FAILED, small)


def _is_small(value: Any) -> bool:
    return value is None or (isinstance(value, int) and abs(value) < 1 << 53)


def _no_answer() -> ModelCrashed:
    return ModelCrashed("the model's function sent an answer that cannot be read.", "Deploy it again.")


def settle_failure(store: RunStore, run: Run, error: ModelcoteError) -> None:
    """Turn the lack of an answer into the run's next state.

    A function that was started may have stored a result whose answer was lost, or that it ran out of the run's time:
    that is what counts then. TIMED_OUT is only what the function itself reports; the end of a caller's patience may
    have been spent waiting for a replica or a cold start, so the run is tried again.
    """
    if not isinstance(error, NotFound | TooManyRequests) and settle_stored(store, run):
        return
    match error:
        case NotYetAnswered():
            release(store, run, error)
        case ModelTimeout():
            timed_out = {**to_problem(error), "run_limit_s": run.run_limit_s}
            complete(store, run, Outcome(TIMED_OUT, timed_out))
        case TooManyRequests():
            release(store, run, error, failure=False)
        case ModelCrashed():
            release(store, run, error, crash=True)
        case NotFound() | PayloadTooLarge():
            complete(store, run, Outcome(FAILED, to_problem(error)))
        case _:
            release(store, run, error)


def settle_stored(store: RunStore, run: Run) -> bool:
    """Complete the run from the object that its attempt has stored in S3; return whether there is one.

    A worker that died between the upload and the terminal write left one, and so does a detached call.
    """
    key = run.result_object(run.attempt)
    summary = head(store, key)
    if summary is None:
        return False
    failed, members = summary
    try:
        if failed:
            outcome = _failed((read_answer(store, key, _PROBLEM_BYTES) or {})["error"])
        else:
            outcome = _succeeded(run, members)
    except _UNREADABLE:
        # For good: the object does not change however often it is read.
        outcome = Outcome(FAILED, to_problem(_no_answer()))
    complete(store, run, outcome)
    return True
