"""Lambda's failures as errors, whether the Invoke API answers with one or a state machine's task ends with it."""

from __future__ import annotations

from modelcote.core.errors import (
    BackendUnavailable,
    ModelcoteError,
    ModelCrashed,
    ModelTimeout,
    NotFound,
    NotYetAnswered,
    PayloadTooLarge,
    TooManyRequests,
)
from modelcote.core.event import too_large

# A task's `Error` that says why the function was not started, by a part of its name; and the status of the Invoke API.
_STATUS_BY_NAME = {
    "TooManyRequests": 429,
    "Throttl": 429,
    "ResourceNotFound": 404,
    "Backend.Unknown": 503,  # The state machine has no branch for the run's backend.
    "Lambda.ServiceException": 503,
    "Lambda.AWSLambdaException": 503,
    "Lambda.SdkClientException": 503,
}


def failed_inside(kind: str, message: str) -> ModelcoteError:
    """Return the error of a function that was started and did not answer: it died, or ran out of its own time."""
    if "Sandbox.Timedout" in (kind, message) or "Task timed out" in message or "Sandbox.Timedout" in message:
        return ModelTimeout("the model took longer than its timeout.", "Send fewer rows, or raise its timeout.")
    if "ResponseSizeTooLarge" in kind + message:
        return too_large()
    if kind == "Runtime.OutOfMemory" or "signal: killed" in message:
        return ModelCrashed("the model did not answer: it ran out of memory.", "Give it more memory.")
    return ModelCrashed("the model did not answer: its process ended.", "Look at its logs with `cote logs`.")


def refused(status: int, reason: str = "") -> ModelcoteError:
    """Return the error of a function that was not started, by the status of the Invoke API."""
    if status == 404:
        return NotFound("the model has no function.", "Deploy it again.")
    if status == 413:
        return PayloadTooLarge("the request is larger than the model's function accepts.", "Send fewer rows at once.")
    if status == 429 and reason.startswith("ReservedFunction"):
        return TooManyRequests("all replicas of the model are busy.", "Slow down, or raise max_replicas.")
    if status == 429:
        return TooManyRequests("the account's Lambda concurrency is used up.", "Slow down, or raise the quota.")
    return BackendUnavailable("the model's backend is not ready.", "Try again in a moment.")


def failed_task(name: str, cause: str) -> ModelcoteError:
    """Return what the `Error` and `Cause` of a state machine's task mean."""
    if name == "States.Timeout":
        return NotYetAnswered("the model did not answer in time.", "Send fewer rows, or raise the run's limit.")
    if name == "States.DataLimitExceeded":
        return PayloadTooLarge("the model's answer is too large.", "Send fewer rows at once.")
    for part, status in _STATUS_BY_NAME.items():
        if part in name:
            return refused(status, "ReservedFunction" if status == 429 else "")
    return failed_inside(name, cause)
