"""A run's words: states, lanes, ids, and the limits that a caller may set.

QUEUED -> RUNNING -> SUCCEEDED | FAILED | CANCELED | EXPIRED | TIMED_OUT. A terminal state is written once.
"""

from __future__ import annotations

import math
import os
import re
import time
from dataclasses import dataclass
from typing import Final

from modelcote.core.errors import BadRequest, Invalid
from modelcote.core.policy import DAY, QUEUE_LIMIT_S, RESULT_TTL_S, Policy
from modelcote.core.texts import quoted

QUEUED: Final = "QUEUED"
RUNNING: Final = "RUNNING"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
CANCELED: Final = "CANCELED"
EXPIRED: Final = "EXPIRED"
TIMED_OUT: Final = "TIMED_OUT"
OPEN = (QUEUED, RUNNING)
TERMINAL = (SUCCEEDED, FAILED, CANCELED, EXPIRED, TIMED_OUT)
STATES = (*OPEN, *TERMINAL)
# The event of a webhook, by the state that caused it.
EVENTS = {state: f"run.{state.lower()}" for state in TERMINAL}

# A model's mode: whether a predict call is answered, or accepted as a run.
SYNC: Final = "sync"
ASYNC: Final = "async"
MODES = (SYNC, ASYNC)

FAST: Final = "fast"  # processed from the queue
LONG: Final = "long"  # a Step Functions execution

IDEMPOTENCY_KEY_LENGTH = 255
_RUN_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Objects of results expire by these days (lifecycle rules of the bucket).
KEEP_DAYS = (1, 7, 30, 90)


def keep_days(result_ttl_s: float) -> int:
    """Return the fewest days of `KEEP_DAYS` that hold a result long enough."""
    return next(days for days in KEEP_DAYS if days * DAY >= result_ttl_s)


def new_run_id(at_s: float | None = None) -> str:
    """Return a UUID of version 7 (RFC 9562) in hexadecimal: ids sort by the millisecond they were made in."""
    millis = int((time.time() if at_s is None else at_s) * 1000)
    number = millis << 80 | int.from_bytes(os.urandom(10))
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return f"{number:032x}"


def first_run_id(at_s: float) -> str:
    """Return the smallest id of that millisecond: where the runs from `at_s` on begin."""
    return f"{int(at_s * 1000) << 80:032x}"


def is_run_id(text: str) -> bool:
    return bool(_RUN_ID.fullmatch(text))


@dataclass(frozen=True)
class RunLimits:
    """Seconds: in the queue, in the model per attempt, and for how long the result can be read."""

    queue_s: float
    run_s: float
    result_s: float

    @property
    def keep_days(self) -> int:
        """How many days the result's object is kept."""
        return keep_days(self.result_s)


def run_limits(
    policy: Policy, model_timeout_s: float, *, queue: object = None, run: object = None, result: object = None
) -> RunLimits:
    """Return the limits of one run; each is a number or its text, None for the default.

    Raise `Invalid` with the field `queue_limit_s` (10 s to 72 h), `run_limit_s` (1 s to the model's timeout) or
    `result_ttl_s` (1 h to 90 days).
    """
    return RunLimits(
        _seconds("queue_limit_s", queue, policy.queue_limit_s, *QUEUE_LIMIT_S),
        _seconds("run_limit_s", run, model_timeout_s, 1, model_timeout_s),
        _seconds("result_ttl_s", result, policy.result_ttl_s, *RESULT_TTL_S),
    )


def _seconds(field: str, value: object, default: float, low: float, high: float) -> float:
    if value is None or value == "":
        return default
    try:
        number = float(str(value)) if len(str(value)) <= 20 else math.nan
    except ValueError:
        number = math.nan
    if low <= number <= high:
        return number
    raise Invalid(
        f"{field} must be a number of seconds from {low} to {high}, got {quoted(value, 40)}.",
        "Choose one in that range, or leave it out for the default.",
        field=field,
    )


def check_idempotency_key(key: str) -> str:
    """Return the key if it has 1 to 255 printable ASCII characters; otherwise raise `BadRequest`."""
    if 1 <= len(key) <= IDEMPOTENCY_KEY_LENGTH and key.isascii() and key.isprintable():
        return key
    raise BadRequest(
        "the Idempotency-Key is empty, longer than 255 characters or not printable ASCII.",
        "Send a short unique text, for example a UUID.",
        field="Idempotency-Key",
    )
