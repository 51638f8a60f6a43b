"""The policy: what an operator may set, and what is refused before it is deployed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcote.core.errors import InvalidSpec
from modelcote.core.policy import Policy, policy_from_json


def test_nothing_given_is_what_is_shipped() -> None:
    assert policy_from_json("") == policy_from_json("{}") == Policy()


def test_what_is_given_is_exchanged() -> None:
    given = {"webhook_blocked": ["10.0.0.0/8"], "delivery_schedule_s": [0, 1.5], "webhook_ports": [8443]}
    policy = policy_from_json(json.dumps({**given, "open_runs": 3, "webhook_http": True}))
    assert policy.webhook_blocked == ("10.0.0.0/8",)
    assert policy.delivery_schedule_s == (0, 1.5)
    assert (policy.webhook_ports, policy.open_runs, policy.webhook_http) == ((8443,), 3, True)


REFUSED: dict[str, list[object]] = {
    "nope": [1],
    "webhook_blocked": [["x"], [1], "10.0.0.0/8"],
    "webhook_ports": [[0], [443.5]],
    "delivery_schedule_s": [[], [-1]],
    "result_ttl_s": [9e9],
    "queue_limit_s": [1],
    "sync_wait_s": [30],
    "open_runs": [0, 1.5],
    "delivery_jitter": [2],
    "webhook_http": [1],
    "webhook_ca": [1],
    "failures": ["3", True, float("nan")],
}


@pytest.mark.parametrize("given", [[], *({name: value} for name in REFUSED for value in REFUSED[name])], ids=str)
def test_what_would_fail_later_is_refused(given: Any) -> None:
    with pytest.raises(InvalidSpec) as refused:
        policy_from_json(json.dumps(given))
    assert refused.value.extra["field"] == "policy"
