"""Invoking a model's Lambda function, and what each of its failures means."""

from __future__ import annotations

import json
from typing import Any

from modelcote.aws.http import Answer, AwsClient, Post
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

ALIAS = "live"  # The alias of the version that serves; deploys move it.
_HEADERS = {"content-type": "application/json"}
_TIMED_OUT = "Sandbox.Timedout"


class LambdaBackend:
    """Synchronous invocations by function name."""

    def __init__(self, client: AwsClient) -> None:
        self.client = client

    def invoke(self, function_name: str, payload: bytes, timeout_s: float) -> bytes:
        """The function's answer. `timeout_s` is how long the caller can wait, not the function's own limit.

        Raises `NotYetAnswered` then, `ModelTimeout` at the function's own, `ModelCrashed`, `TooManyRequests`,
        `BackendUnavailable`, `PayloadTooLarge`, and `NotFound` when there is no such function.
        """
        path = f"/2015-03-31/functions/{function_name}/invocations"
        try:
            answer = self.client.post(Post(path, f"Qualifier={ALIAS}", _HEADERS, payload), timeout_s)
        except TimeoutError as error:
            raise NotYetAnswered(
                f"the model did not answer within {timeout_s:.0f} seconds.", "Send fewer rows at once."
            ) from error
        except OSError as error:
            raise BackendUnavailable("the model's backend cannot be reached.", "Try again in a moment.") from error
        if answer.status == 200 and "x-amz-function-error" not in answer.headers:
            return answer.body
        raise _failed_inside(answer) if answer.status == 200 else _refused(answer)


def _members(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _failed_inside(answer: Answer) -> ModelcoteError:
    """The function was started and did not answer: its process died, or ran out of time."""
    error = _members(answer.body)
    kind, message = str(error.get("errorType", "")), str(error.get("errorMessage", ""))
    if kind == _TIMED_OUT or "Task timed out" in message:
        return ModelTimeout("the model took longer than its timeout.", "Send fewer rows, or raise its timeout.")
    if kind == "Function.ResponseSizeTooLarge":
        return PayloadTooLarge("the model's answer is larger than 6 MB.", "Send fewer rows at once.")
    out_of_memory = kind == "Runtime.OutOfMemory" or "signal: killed" in message
    cause = "it ran out of memory" if out_of_memory else "its process ended"
    return ModelCrashed(
        f"the model did not answer: {cause}.",
        "Give it more memory." if out_of_memory else "Look at its logs with `cote logs`.",
    )


def _refused(answer: Answer) -> ModelcoteError:
    """The function was not started."""
    if answer.status == 404:
        return NotFound("the model has no function.", "Deploy it again.")
    if answer.status == 413:
        return PayloadTooLarge("the request is larger than the model's function takes.", "Send fewer rows at once.")
    if answer.status == 429:
        reason = str(_members(answer.body).get("Reason", ""))
        if reason.startswith("ReservedFunction"):
            return TooManyRequests("all replicas of the model are busy.", "Slow down, or raise max_replicas.")
        return TooManyRequests("the account's Lambda concurrency is used up.", "Slow down, or raise the quota.")
    return BackendUnavailable("the model's backend is not ready.", "Try again in a moment.")
