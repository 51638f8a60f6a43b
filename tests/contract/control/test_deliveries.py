"""Deliveries over HTTP: how they went, and sending them again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelcote.control.routes import deliveries
from modelcote.runs.listing import find_delivery
from modelcote.runs.records import Run, Webhook
from modelcote.runs.results import result_members
from modelcote.webhooks.shapes import native_body
from tests.contract.control.front import HOOK, Front
from tests.contract.control.stand import check_problem


def owed(front: Front, **changes: Any) -> Run:
    """A run that has succeeded and whose webhook is due."""
    return front.runs.done(webhook=Webhook(HOOK), **changes)


def exhausted(front: Front, **changes: Any) -> Run:
    """One whose every attempt has failed."""
    front.policy(delivery_schedule_s=(0,))
    run = owed(front, **changes)
    assert front.deliver(run, 500) == "EXHAUSTED"
    return run


def test_a_delivery_and_its_attempts(front: Front) -> None:
    run = owed(front)
    shown = front.call("GET", f"/deliveries/{run.run_id}").json()
    assert (shown["state"], shown["event"], shown["url"], shown["attempts"]) == ("PENDING", "run.succeeded", HOOK, [])
    assert shown["webhook_id"] == f"msg_{run.run_id}"
    assert front.deliver(run, 503) == "PENDING"
    front.runs.later(60)
    assert front.deliver(run) == "DELIVERED"
    shown = front.call("GET", f"/deliveries/{run.run_id}").json()
    assert (shown["state"], shown["attempts_made"], shown["next_at"]) == ("DELIVERED", 2, None)
    assert shown["delivered_at"] > shown["created_at"]
    first, second = shown["attempts"]
    assert (first["number"], first["status"], first["error"], first["answer"]) == (1, 503, None, "an answer")
    assert (second["number"], second["status"], second["took_ms"]) == (2, 200, 12.5)
    assert second["at"] > first["at"]


def test_lists(front: Front) -> None:
    delivered, pending = owed(front), owed(front, model="other")
    front.deliver(delivered)
    front.runs.done()
    rows, _ = front.listed("deliveries")
    assert [row["run_id"] for row in rows] == [pending.run_id, delivered.run_id]
    assert "attempts" not in rows[0]
    assert front.ids("deliveries", state="DELIVERED") == [delivered.run_id]
    assert front.ids("deliveries", model="other") == [pending.run_id]
    assert front.ids("deliveries", until="1h") == []
    _, cursor = front.listed("deliveries", limit=1)
    assert front.ids("deliveries", limit=1, cursor=cursor) == [delivered.run_id]


def test_a_replay_starts_the_schedule_again_under_the_same_id(front: Front) -> None:
    run = exhausted(front)
    again = front.ok("POST", f"/deliveries/{run.run_id}/replay")
    assert (again["state"], again["replays"]) == ("PENDING", 1)
    assert front.deliver(run) == "DELIVERED"
    shown = front.call("GET", f"/deliveries/{run.run_id}").json()
    assert (shown["webhook_id"], shown["attempts_made"]) == (f"msg_{run.run_id}", 2)
    assert front.call("POST", f"/deliveries/{run.run_id}/replay").json()["state"] == "PENDING"


def test_many_are_sent_again(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = [exhausted(front) for _ in range(3)]
    other = exhausted(front, model="other")
    delivered, pending = owed(front), owed(front)
    front.deliver(delivered)
    before = datetime.now(UTC) - timedelta(minutes=1)

    def replay(**body: Any) -> Any:
        return front.ok("POST", "/deliveries/replay", json=body)

    assert replay(since=(before + timedelta(hours=1)).isoformat()) == {"replayed": 0, "cursor": None}
    assert replay(since=before.isoformat(), model="other") == {"replayed": 1, "cursor": None}
    assert replay(since=before.timestamp()) == {"replayed": 3, "cursor": None}
    assert replay(since="10m") == {"replayed": 0, "cursor": None}
    assert replay(since=int(before.timestamp()), state="DELIVERED") == {"replayed": 1, "cursor": None}
    states = {row["run_id"]: row["replays"] for row in front.listed("deliveries")[0]}
    assert states == {run.run_id: 1 for run in (*lost, other, delivered)} | {pending.run_id: 0}
    for run in lost:
        front.deliver(run, 500)
    front.deliver(delivered)
    # What does not fit into one request goes on where it stopped.
    monkeypatch.setattr(deliveries, "_BULK_S", 0.0)
    sent, cursor, pages = 0, "", 0
    while cursor is not None:
        page = replay(since="10m", state=None, cursor=cursor)
        sent, cursor, pages = sent + page["replayed"], page["cursor"], pages + 1
    assert (sent, pages) == (4, 7)
    with front.client() as client:
        assert client.replay(since="10m", state=None) == {"replayed": 0}


REFUSED = [
    ({}, "since"), ({"since": None}, "since"), ({"since": True}, "since"), ({"since": -1}, "since"),
    ({"since": 1e300}, "since"), ({"since": 1_763_712_000_000}, "since"), ({"since": "tomorrow"}, "since"),
    ({"since": ["1h"]}, "since"), ({"since": "1h", "state": "PENDING"}, "state"),
    ({"since": "1h", "state": "exhausted"}, "state"), ({"since": "1h", "model": 7}, "model"),
    ({"since": "1h", "model": "a" * 65}, "model"), ({"since": "1h", "cursor": "x"}, "cursor"),
    ({"since": "1h", "cursor": "0" * 32}, "cursor"), ({"since": "1h", "url": "https://example.com"}, "url"), ([], ""),
    ("1h", ""),
]  # fmt: skip


def test_replays_that_are_refused(front: Front) -> None:
    run = exhausted(front)
    for body, field in REFUSED:
        problem = check_problem(front.call("POST", "/deliveries/replay", json=body), 422)
        assert problem["field"].startswith(field), body
    check_problem(front.call("POST", "/deliveries/replay", content=b""), 400)
    assert front.call("GET", f"/deliveries/{run.run_id}").json()["replays"] == 0


def test_a_run_without_a_webhook_has_no_delivery(front: Front) -> None:
    run = front.runs.done()
    check_problem(front.call("GET", f"/deliveries/{run.run_id}"), 404)
    check_problem(front.call("POST", f"/deliveries/{run.run_id}/replay"), 404)


def test_the_body_that_is_sent_holds_the_result(front: Front) -> None:
    """The delivery's own shape, as the guide shows it."""
    run = owed(front)
    delivery = find_delivery(front.runs.store, run.project, run.run_id)
    assert delivery
    sent = native_body(delivery, run, result_members(front.runs.store, run, 1_000))
    assert sent["type"] == "run.succeeded"
    assert sent["data"]["result"] == [[2, 4]]
