"""What an attempt came to: the answer of the model's function, or why there is none, becomes a state."""

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
    PayloadTooLarge,
    TooManyRequests,
    to_problem,
)
from modelcote.core.runs import FAILED, SUCCEEDED, TIMED_OUT
from modelcote.runs.complete import Outcome, complete
from modelcote.runs.records import Run
from modelcote.runs.start import release
from modelcote.runs.store import RunStore

# Codes of a problem that come from the platform inside the model's function, not from the model: tried again.
_RETRIED = frozenset({BackendUnavailable.code})


def settle_answer(store: RunStore, run: Run, answer: bytes) -> None:
    """The function answered: `{"stored": {...}}` or `{"error": problem}`. The model's own error is FAILED at once."""
    try:
        members: Any = json.loads(answer)
        failed = "error" in members
        outcome = Outcome(FAILED, _problem(members["error"])) if failed else outcome_of(members["stored"])
    except (ValueError, TypeError, KeyError, AttributeError):
        settle_error(store, run, ModelCrashed("the model's function gave no answer that can be read.", "Deploy it."))
        return
    if outcome.error and outcome.error.get("code") in _RETRIED:
        release(store, run, BackendUnavailable(str(outcome.error.get("detail", "")), "Try again in a moment."))
        return
    complete(store, run, outcome)


def outcome_of(stored: Mapping[str, Any]) -> Outcome:
    """The outcome of a stored answer's summary, as `modelcote.serving.stored` makes it."""
    return Outcome(
        SUCCEEDED,
        result_key=str(stored["key"]),
        result_bytes=int(stored["bytes"]),
        result_sha256=str(stored["sha256"]),
        run_time_ms=float(stored["run_time_ms"]),
        points=int(stored["points"]),
    )


def settle_error(store: RunStore, run: Run, error: ModelcoteError) -> None:
    """The function gave no answer."""
    match error:
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
    """Completes the run from the object that its attempt has left in S3, if it has; whether it has.

    A worker that died between the upload and the terminal write left one, and so does a detached call.
    """
    key = run.result_object(run.attempt)
    found = head(store, key)
    if found is None:
        return False
    if found.get("outcome") == "failed":
        answer = read_object(store, key)
        complete(store, run, Outcome(FAILED, _problem(json.loads(answer)["error"])))
    else:
        complete(store, run, outcome_of({**found, "key": key}))
    return True


def head(store: RunStore, key: str) -> dict[str, Any] | None:
    """The summary that stands in an object's metadata, or None where there is no object."""
    try:
        answer = store.s3.head_object(Bucket=store.bucket, Key=key)
    except Exception as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
            return None
        raise
    metadata = answer.get("Metadata", {})
    return {
        "outcome": metadata.get("outcome", ""),
        "sha256": metadata.get("sha256", ""),
        "run_time_ms": metadata.get("run-time-ms", "0"),
        "points": metadata.get("points", "0"),
        "bytes": answer["ContentLength"],
    }


def read_object(store: RunStore, key: str) -> bytes:
    body: bytes = store.s3.get_object(Bucket=store.bucket, Key=key)["Body"].read()
    return body


def _problem(problem: Any) -> dict[str, Any]:
    """The model's problem with text members only of a length that fits a row."""
    if not isinstance(problem, Mapping):
        raise TypeError("a problem is an object")
    return {str(name): value if isinstance(value, int) else str(value)[:2_000] for name, value in problem.items()}
