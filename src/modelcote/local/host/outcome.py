"""What a call ends with, in Lambda's words.

| error type | when |
|---|---|
| the exception's class | the handler raised; reported by the runtime client |
| `Runtime.ImportModuleError`, `Runtime.HandlerNotFound`, ... | the module could not be loaded; reported likewise |
| `Runtime.ExitError` | the process ended by itself or by a signal |
| `Runtime.OutOfMemory` | its resident memory went above the function's memory |
| `Sandbox.Timedout` | the call (or the second attempt to load) took longer than the function's timeout |
| `Function.ResponseSizeTooLarge` | the answer is above 6 MB |
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass

# Lambda's limit for a synchronous request and for its answer, in bytes.
MAX_PAYLOAD = 6_291_556
_SIGNALS: dict[int, str] = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGKILL: "killed",
    signal.SIGABRT: "aborted",
    signal.SIGTERM: "terminated",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
}


@dataclass(frozen=True)
class Outcome:
    """The answer's bytes; `error_type` is empty when the handler returned."""

    body: bytes
    error_type: str = ""

    @property
    def timed_out(self) -> bool:
        return self.error_type == "Sandbox.Timedout"


# Why a process failed, as the outcome of the call (its request id) that is answered with it.
Failure = Callable[[str], Outcome]


def _error(error_type: str, message: str) -> Outcome:
    return Outcome(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), error_type)


def _failure(error_type: str, request_id: str, text: str) -> Outcome:
    return _error(error_type, f"RequestId: {request_id} Error: {text}")


def timed_out(request_id: str, timeout_s: int) -> Outcome:
    return _failure("Sandbox.Timedout", request_id, f"Task timed out after {timeout_s:.2f} seconds")


def out_of_memory(request_id: str) -> Outcome:
    return _failure("Runtime.OutOfMemory", request_id, "Runtime exited with error: signal: killed")


def exited(request_id: str, status: int) -> Outcome:
    """Return the outcome of a process that ended; `status` as in `Popen.returncode`: negative for a signal."""
    if status == 0:
        text = "Runtime exited without providing a reason"
    elif status > 0:
        text = f"Runtime exited with error: exit status {status}"
    else:
        text = f"Runtime exited with error: signal: {_SIGNALS.get(-status, f'signal {-status}')}"
    return _failure("Runtime.ExitError", request_id, text)


def returned(body: bytes) -> Outcome:
    """Return the handler's own answer, unless it is too large to be sent."""
    if len(body) <= MAX_PAYLOAD:
        return Outcome(body)
    text = f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD} bytes)."
    return _error("Function.ResponseSizeTooLarge", text)


def raised(body: bytes, header: str) -> Outcome:
    """Return the error that the runtime client reported; its type from the body, or else from the header."""
    try:
        error_type = str(json.loads(body).get("errorType") or header)
    except (ValueError, AttributeError):
        error_type = header
    return Outcome(body, error_type or "Unhandled")


def not_started(reason: str) -> Outcome:
    """Return the outcome where the interpreter could not be executed, or the code folder is gone."""
    return _error("Runtime.InvalidEntrypoint", reason)
