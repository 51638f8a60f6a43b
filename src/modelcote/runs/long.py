"""The end of a long run: the state machine's state, settled as the fast lane settles its own."""

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
)
from modelcote.core.runs import RUNNING
from modelcote.runs.settle import settle_answer, settle_error, settle_stored
from modelcote.runs.store import RunStore


def settle_execution(store: RunStore, state: Mapping[str, Any]) -> str:
    """Settles the attempt that an execution was for; the run's state then, `unknown` or `superseded`."""
    run = store.find(state["project"], state["run_id"])
    if run is None:
        return "unknown"
    if run.state != RUNNING or run.attempt != state["attempt"]:
        return "superseded"
    if "answer" in state:
        settle_answer(store, run, json.dumps(state["answer"]["payload"]).encode())
    elif not settle_stored(store, run):
        # Only where nothing was left: an answer may be lost after the upload.
        settle_error(store, run, error_of(state["failure"]))
    return store.get(run.project, run.run_id).state


def error_of(failure: Mapping[str, Any]) -> ModelcoteError:
    """What a state machine's `Error` and `Cause` mean."""
    name, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))
    if name in ("States.Timeout", "Sandbox.Timedout") or "Task timed out" in cause or "Sandbox.Timedout" in cause:
        return ModelTimeout("the model took longer than its timeout.", "Raise its timeout.")
    if "TooManyRequests" in name or "Throttl" in name:
        return TooManyRequests("all replicas of the model are busy.", "Raise max_replicas.")
    if "ResourceNotFound" in name:
        return NotFound("the model has no function.", "Deploy it again.")
    if "ResponseSizeTooLarge" in cause or name == "States.DataLimitExceeded":
        return PayloadTooLarge("the model's answer is too large.", "Send fewer rows at once.")
    if name.startswith(("Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException")):
        return BackendUnavailable("the model's backend was not ready.", "Try again in a moment.")
    return ModelCrashed(f"the model did not answer: {name or 'its process ended'}.", "Look at its logs.")
