"""When a delivery is tried again, and when no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from modelcote.core.policy import DAY, HOUR, MINUTE, Policy
from modelcote.runs.listing import attempts
from modelcote.runs.records import DELIVERED, EXHAUSTED, PENDING, delivery_key
from modelcote.webhooks.deliver import Deliverer
from modelcote.webhooks.receiver_health import health_of
from modelcote.webhooks.replay import replay
from tests.emulator.webhooks.delivering import delivery_of, ended, make_deliverer, to_the_end
from tests.support.receivers import Receiver, answer, drip, hang, redirect, reset
from tests.support.runs_stand import PROJECT, RunsStand


def test_the_shipped_schedule() -> None:
    policy = Policy()
    assert policy.delivery_schedule_s == (
        0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
    )  # fmt: skip
    assert sum(policy.delivery_schedule_s) == 75 * HOUR + 35 * MINUTE + 5
    assert (policy.delivery_connect_s, policy.delivery_total_s, policy.delivery_jitter) == (5, 15, 0.2)
    assert policy.endpoint_disabled_after_s == 5 * DAY
    assert policy.delivery_body_bytes == 256 * 1024
    assert (policy.sync_wait_s, policy.open_runs, policy.queue_limit_s) == (25, 10_000, HOUR)
    assert (policy.result_ttl_s, policy.row_ttl_s, policy.idempotency_ttl_s) == (7 * DAY, 30 * DAY, DAY)
    assert (policy.webhook_http, policy.webhook_loopback) == (False, False)


def test_ten_attempts_by_the_schedule_then_exhausted(
    stand: RunsStand, deliverer: Deliverer, capsys: pytest.CaptureFixture[str]
) -> None:
    with Receiver(lambda _: answer(500, body=b"x" * 10_000)) as receiver:
        run = ended(stand, receiver.url)
        delivery = to_the_end(stand, deliverer, run)
    assert (delivery.state, delivery.attempts, delivery.reason) == (EXHAUSTED, 10, "10 attempts failed.")
    made = attempts(stand.store, delivery)
    assert [one.number for one in made] == list(range(1, 11))
    assert {(one.status, len(one.answer)) for one in made} == {(500, 4_096)}
    for planned, (before, after) in zip(stand.store.policy.delivery_schedule_s[1:], pairwise(made), strict=True):
        assert 0.8 * planned - 1 <= after.at_s - before.at_s <= 1.2 * planned + 2
    assert len({seen.headers["webhook-id"] for seen in receiver.seen}) == 1
    metric = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert metric["DeliveriesExhausted"] == 1
    assert "due_pk" not in (stand.store.table.get(*delivery_key(PROJECT, run.run_id)) or {})


@pytest.mark.parametrize(
    ("behave", "status", "error"),
    [
        (lambda: answer(500), 500, ""),
        (lambda: answer(302, [("location", "http://169.254.169.254/")]), 302, ""),
        (lambda: redirect("http://127.0.0.1:1/"), 302, ""),
        (lambda: answer(429), 429, ""),
        (hang, 0, "timeout"),
        (lambda: drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 0.01), 200, "timeout"),
        (reset, 0, "connection"),
    ],
)
def test_a_failed_attempt_is_listed_and_comes_again(
    stand: RunsStand, behave: Callable[[], Any], status: int, error: str
) -> None:
    deliverer = make_deliverer(stand.with_policy(delivery_total_s=1.0))
    tries = [behave(), answer(200)]
    with Receiver(lambda _: tries.pop(0)) as receiver:
        run = ended(stand, receiver.url)
        assert deliverer.attempt(PROJECT, run.run_id) == PENDING
        assert deliverer.attempt(PROJECT, run.run_id) == "early"
        assert to_the_end(stand, deliverer, run).state == DELIVERED
    first, second = attempts(stand.store, delivery_of(stand, run))
    assert (first.status, first.error) == (status, error)
    assert second.status == 200


def test_retry_after_is_honoured(stand: RunsStand, deliverer: Deliverer) -> None:
    with Receiver(lambda _: answer(503, [("retry-after", "1000")])) as receiver:
        run = ended(stand, receiver.url)
        deliverer.attempt(PROJECT, run.run_id)
    assert delivery_of(stand, run).next_at_s - stand.clock() == pytest.approx(1_000, abs=5)


def test_410_disables_the_endpoint_until_a_replay(stand: RunsStand, deliverer: Deliverer) -> None:
    status = [410]
    with Receiver(lambda _: answer(status[0])) as receiver:
        first, second = ended(stand, receiver.url), ended(stand, receiver.url)
        assert {deliverer.attempt(PROJECT, run.run_id) for run in (first, second)} == {EXHAUSTED}
        assert receiver.connections == 1
        assert health_of(stand.store, PROJECT, receiver.url).disabled_at_s
        status[0] = 200
        replay(stand.store, delivery_of(stand, second))
        assert deliverer.attempt(PROJECT, second.run_id) == DELIVERED
        assert not health_of(stand.store, PROJECT, receiver.url).disabled_at_s


def test_five_days_of_failure_disable_the_endpoint(stand: RunsStand, deliverer: Deliverer) -> None:
    with Receiver(lambda _: answer(500)) as receiver:
        run = ended(stand, receiver.url)
        deliverer.attempt(PROJECT, run.run_id)
        stand.later(5 * DAY)
        late = ended(stand, receiver.url)
        assert deliverer.attempt(PROJECT, late.run_id) == EXHAUSTED
        assert delivery_of(stand, late).reason == "it failed for too long."


def test_a_success_forgets_the_failures(stand: RunsStand, deliverer: Deliverer) -> None:
    status = [500, 200]
    with Receiver(lambda _: answer(status.pop(0))) as receiver:
        run = ended(stand, receiver.url)
        deliverer.attempt(PROJECT, run.run_id)
        assert health_of(stand.store, PROJECT, receiver.url).failing_since_s
        to_the_end(stand, deliverer, run)
        assert not health_of(stand.store, PROJECT, receiver.url).failing_since_s


def test_a_sender_that_dies_after_the_receivers_answer(stand: RunsStand, deliverer: Deliverer) -> None:
    with Receiver() as receiver:
        run = ended(stand, receiver.url)

        def die(outgoing: Any) -> Any:
            deliverer._send(outgoing)
            raise SystemExit

        with pytest.raises(SystemExit):
            deliverer.attempt(PROJECT, run.run_id, die)
        assert deliverer.attempt(PROJECT, run.run_id) == "claimed"
        stand.later(61)
        assert stand.watch() == {"announced": 1}
        assert deliverer.attempt(PROJECT, run.run_id) == DELIVERED
    assert len(receiver.seen) == 2
    assert len({seen.headers["webhook-id"] for seen in receiver.seen}) == 1
