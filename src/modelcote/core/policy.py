"""Every duration, limit and count of runs and webhooks, as one frozen value.

The defaults are what is shipped. An operator changes one by `modelcote:policy` in the stack's configuration, or by
`policy.json` in the local cloud's home; a function finds them as JSON in `MODELCOTE_POLICY`.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, fields
from typing import Any

from modelcote.core.errors import InvalidSpec

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(frozen=True)
class Policy:
    """Seconds where a name ends in `_s`; webhook schedule and timeouts as in Standard Webhooks 1.0.0."""

    # How long the gateway waits for a synchronous answer; an HTTP API ends a request after 30 s.
    sync_wait_s: float = 25
    # What is not accepted: more open runs of one project than this.
    open_runs: int = 10_000
    # How long a run may wait in the queue when the caller does not say.
    queue_limit_s: float = HOUR
    # How long a result can be read when the caller does not say.
    result_ttl_s: float = 7 * DAY
    # How long the run itself, its deliveries and its callback's credentials are kept.
    row_ttl_s: float = 30 * DAY
    # How long an Idempotency-Key stands for its run.
    idempotency_ttl_s: float = DAY
    # A run that may take at most this long is worked off the queue, a longer one by a state machine.
    fast_limit_s: float = 60
    # What a worker has beyond the run's own limit before its lease is over.
    lease_slack_s: float = 30
    # What a state machine has on top of that for its own ways and retries.
    long_slack_s: float = 60
    # An execution that is still running this long after its lease is stopped, its run TIMED_OUT.
    long_given_up_s: float = 15 * MINUTE
    # A run still QUEUED after this is sent again; the pause doubles up to `resend_max_s`.
    resend_after_s: float = 60
    resend_max_s: float = 15 * MINUTE
    # Pause before an attempt that follows a failure of the infrastructure; doubles up to `retry_max_s`.
    retry_after_s: float = 2
    retry_max_s: float = 60
    # How often the infrastructure may fail before the run has FAILED; throttles do not count.
    failures: int = 5
    # How often the model's process may die before the run has FAILED.
    crashes: int = 3
    # Pauses before each attempt at a delivery: ten attempts in 75 h 35 min.
    delivery_schedule_s: tuple[float, ...] = (
        0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
    )  # fmt: skip
    delivery_jitter: float = 0.2
    delivery_connect_s: float = 5
    delivery_total_s: float = 15
    # A sender that died holds its delivery for this long.
    delivery_claim_s: float = 60
    # The longest `Retry-After` that is honoured.
    delivery_retry_after_max_s: float = 24 * HOUR
    # An endpoint that failed for this long without a success is disabled.
    endpoint_disabled_after_s: float = 5 * DAY
    # The body above which a delivery refers to the result instead of holding it.
    delivery_body_bytes: int = 256 * 1024
    # How long a presigned URL in a delivery or an answer can be used.
    result_url_s: float = HOUR
    # How long the secret before the last rotation signs too.
    secret_overlap_s: float = DAY
    # Whether http and loopback receivers are allowed: the local cloud's setting.
    webhook_http: bool = False
    webhook_loopback: bool = False
    # Ports besides 443, and address ranges (CIDR) besides the built-in ones, of the operator's choice.
    webhook_ports: tuple[int, ...] = ()
    webhook_blocked: tuple[str, ...] = ()
    # A PEM file with the only authorities whose certificates are trusted, for receivers in a private network.
    webhook_ca: str = ""

    @property
    def keep_after_s(self) -> float:
        """A synchronous prediction that takes longer than this keeps its result, in case nobody waits for it."""
        return 0.4 * self.sync_wait_s


def policy_from_json(text: str) -> Policy:
    """The policy with the members of a JSON object exchanged; raises `InvalidSpec` naming the member."""
    given: Any = json.loads(text) if text else {}
    known = {member.name: getattr(Policy(), member.name) for member in fields(Policy)}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise InvalidSpec(f"the policy has no member {name}.", f"Members: {', '.join(known)}.", field="policy")
        values[name] = _checked(name, value, known[name])
    return Policy(**values)


def _checked(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        holds = isinstance(value, bool)
    elif isinstance(default, str):
        holds = isinstance(value, str)
    elif isinstance(default, tuple):
        holds, value = isinstance(value, list | tuple), tuple(value) if isinstance(value, list | tuple) else ()
    else:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        holds = number and math.isfinite(value) and value >= 0
    if not holds:
        raise InvalidSpec(
            f"the policy's {name} is {ascii(value)[:60]}.", f"Give it as {ascii(default)[:60]} is.", field="policy"
        )
    return value


def policy_from_env() -> Policy:
    """The policy of the function's environment."""
    return policy_from_json(os.environ.get("MODELCOTE_POLICY", ""))
