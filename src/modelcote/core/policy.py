"""Every duration, limit and count of runs and webhooks, as one frozen value.

The defaults are what is shipped. An operator changes one by `modelcote:policy` in the stack's configuration, or by
`policy.json` in the local cloud's home; a function finds them as JSON in `MODELCOTE_POLICY`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from modelcote.core.errors import InvalidSpec
from modelcote.core.texts import quoted

MINUTE, HOUR, DAY = 60, 3_600, 86_400
# What a caller may ask for, and an operator make the default, in seconds.
QUEUE_LIMIT_S = (10, 72 * HOUR)
RESULT_TTL_S = (HOUR, 90 * DAY)


@dataclass(frozen=True)
class Policy:
    """Seconds where a name ends in `_s`; webhook schedule and timeouts as in Standard Webhooks 1.0.0."""

    # How long the gateway waits for a synchronous answer; an HTTP API ends a request after 30 s.
    sync_wait_s: float = 25
    # How long the gateway serves from a key or a model that it has read: so long may a revoked key keep working.
    registry_cache_s: float = 5
    # How long a delivery signs with the secrets that it has read: a rotation reaches every worker by then.
    secret_cache_s: float = 30
    # What is not accepted: more open runs of one project than this.
    open_runs: int = 10_000
    # How long a run may wait in the queue when the caller does not say.
    queue_limit_s: float = HOUR
    # How long a result can be read when the caller does not say.
    result_ttl_s: float = 7 * DAY
    # How long the run itself, its deliveries and its callback's credentials are kept.
    row_ttl_s: float = 30 * DAY
    # How long a repeated Idempotency-Key returns the same run.
    idempotency_ttl_s: float = DAY
    # A run that may take at most this long is processed by a worker of the queue, a longer one by a state machine.
    fast_limit_s: float = 60
    # What a worker has beyond the run's own limit before its lease is over.
    lease_slack_s: float = 30
    # What a state machine has on top of that for its own ways and retries.
    long_slack_s: float = 60
    # An execution that is still running this long after its lease is stopped, and its run tried again.
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
        """A synchronous prediction that takes longer than this is also stored: its caller may have stopped waiting."""
        return 0.4 * self.sync_wait_s


def policy_from_json(text: str) -> Policy:
    """Return the policy with the members of a JSON object replaced; raise `InvalidSpec` that names the member."""
    values = json.loads(text) if text else {}
    if not isinstance(values, dict):
        raise InvalidSpec("the policy is not an object.", "Give a JSON object.", field="policy")
    defaults = {member.name: member.default for member in fields(Policy)}
    for name, value in values.items():
        if name not in defaults:
            raise InvalidSpec(f"the policy has no member {name}.", f"Members: {', '.join(defaults)}.", field="policy")
        fits, rule = _RULES.get(name) or _KINDS[type(defaults[name])]
        if not fits(value):
            raise InvalidSpec(
                f"the policy's {name} must be {rule}, got {quoted(value)}.", f"Change {name}.", field="policy"
            )
    lists: dict[str, Any] = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Policy(**{**values, **lists})


def _number(value: Any, low: float = 0, high: float = math.inf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high and value != math.inf


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and _number(value, low, high)


def _network(value: Any) -> bool:
    # Only here, since a function on every request's path has no ranges to read.
    from ipaddress import ip_network

    try:
        return isinstance(value, str) and bool(ip_network(value))
    except ValueError:
        return False


def _list(fits: Callable[[Any], bool], least: int = 0) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(fits, value))


def _within(low: float, high: float) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: _number(value, low, high)), f"a number from {low} to {high}"


_KINDS: dict[type, tuple[Callable[[Any], bool], str]] = {
    bool: (lambda value: isinstance(value, bool), "true or false"),
    str: (lambda value: isinstance(value, str), "a text"),
    int: (_number, "a number from 0 on"),
    float: (_number, "a number from 0 on"),
}
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    # An HTTP API ends a request after 30 s; the rest is for writing the run down.
    "sync_wait_s": _within(0.1, 28),
    "queue_limit_s": _within(*QUEUE_LIMIT_S),
    "result_ttl_s": _within(*RESULT_TTL_S),
    "open_runs": ((lambda value: _whole(value, 1, 1_000_000_000)), "a whole number from 1 on"),
    "delivery_jitter": _within(0, 1),
    "delivery_schedule_s": (_list(_number, least=1), "a list of at least one number of seconds"),
    "webhook_ports": (_list(lambda value: _whole(value, 1, 65_535)), "a list of port numbers"),
    "webhook_blocked": (_list(_network), "a list of address ranges such as 203.0.113.0/24"),
}


def policy_from_env() -> Policy:
    """Return the policy of the function's environment."""
    return policy_from_json(os.environ.get("MODELCOTE_POLICY", ""))
