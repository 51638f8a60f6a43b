"""Models as Lambda functions."""

from __future__ import annotations

import json
from typing import Any

from modelcote.aws.http import AwsClient, Post
from modelcote.backends.lambda_failures import failed_inside, refused
from modelcote.core.errors import BackendUnavailable, NotYetAnswered

ALIAS = "live"  # The alias of the version that serves; deploys move it.
_HEADERS = {"content-type": "application/json"}


class LambdaBackend:
    """Synchronous invocations; an address is a function's name."""

    def __init__(self, client: AwsClient) -> None:
        self.client = client

    def invoke(self, address: str, payload: bytes, timeout_s: float) -> bytes:
        """Return the function's answer. `timeout_s` is how long the caller can wait, not the function's own limit.

        Raises `NotYetAnswered` then, `ModelTimeout` at the function's own, `ModelCrashed`, `TooManyRequests`,
        `BackendUnavailable`, `PayloadTooLarge`, and `NotFound` when there is no such function.
        """
        path = f"/2015-03-31/functions/{address}/invocations"
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
        members = _members(answer.body)
        if answer.status == 200:
            raise failed_inside(str(members.get("errorType", "")), str(members.get("errorMessage", "")))
        raise refused(answer.status, str(members.get("Reason", "")))


def _members(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
