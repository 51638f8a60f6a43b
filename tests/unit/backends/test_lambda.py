"""What each of Lambda's answers means to the caller."""

from __future__ import annotations

import json
import time

import pytest

from modelcote.backends.lambda_ import LambdaBackend
from modelcote.core.errors import (
    BackendUnavailable,
    ModelcoteError,
    ModelCrashed,
    ModelTimeout,
    NotFound,
    PayloadTooLarge,
    TooManyRequests,
)
from tests.support.lambda_door import Reply, lambda_door

FAILED = {"x-amz-function-error": "Unhandled"}


def failure(kind: str, message: str = "") -> Reply:
    return 200, FAILED, json.dumps({"errorType": kind, "errorMessage": message}).encode()


CASES: dict[str, tuple[Reply, type[ModelcoteError], str]] = {
    "timeout": (failure("Sandbox.Timedout", "RequestId: x Error: Task timed out after 3.00 seconds"), ModelTimeout, ""),
    "timeout in old words": (failure("", "2026 x Task timed out after 3.00 seconds"), ModelTimeout, ""),
    "exit": (failure("Runtime.ExitError", "RequestId: x Error: Runtime exited"), ModelCrashed, "ended"),
    "memory": (failure("Runtime.OutOfMemory", "signal: killed"), ModelCrashed, "memory"),
    "killed": (failure("Runtime.ExitError", "Runtime exited with error: signal: killed"), ModelCrashed, "memory"),
    "import": (failure("Runtime.ImportModuleError", "No module named x"), ModelCrashed, ""),
    "answer too large": (failure("Function.ResponseSizeTooLarge"), PayloadTooLarge, "6 MB"),
    "error without a body": ((200, FAILED, b""), ModelCrashed, ""),
    "error that is a list": ((200, FAILED, b"[]"), ModelCrashed, ""),
    "replicas": (
        (429, {}, b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}'),
        TooManyRequests,
        "replicas",
    ),
    "account": ((429, {}, b'{"Reason":"ConcurrentInvocationLimitExceeded"}'), TooManyRequests, "account"),
    "no function": ((404, {}, b"{}"), NotFound, ""),
    "request too large": ((413, {}, b"{}"), PayloadTooLarge, ""),
    "pending": ((409, {}, b"{}"), BackendUnavailable, ""),
    "not allowed": ((403, {}, b"{}"), BackendUnavailable, ""),
    "service": ((500, {}, b"oops"), BackendUnavailable, ""),
    "no answer": ((0, {}, b""), BackendUnavailable, ""),
}


@pytest.mark.parametrize("case", CASES)
def test_failures(case: str) -> None:
    reply, expected, words = CASES[case]
    with lambda_door(lambda _: reply) as door, pytest.raises(ModelcoteError) as caught:
        LambdaBackend(door.client()).invoke("f", b"{}", 5)
    assert type(caught.value) is expected
    assert words in caught.value.detail
    assert caught.value.remedy


def test_the_alias_is_called_with_the_payload_untouched() -> None:
    with lambda_door(lambda body: (200, {}, body)) as door:
        assert LambdaBackend(door.client()).invoke("stack_p_m", b'{"data":[[1.10]]}', 5) == b'{"data":[[1.10]]}'
    ((path, headers, body),) = door.seen
    assert path == "/2015-03-31/functions/stack_p_m/invocations?Qualifier=live"
    assert body == b'{"data":[[1.10]]}'
    assert headers["content-type"] == "application/json"


def test_the_callers_own_limit() -> None:
    def slow(_: bytes) -> Reply:
        time.sleep(0.2)
        return 200, {}, b""

    with lambda_door(slow) as door, pytest.raises(ModelTimeout):
        LambdaBackend(door.client()).invoke("f", b"{}", 0.05)
