"""Runs over HTTP: what is shown of them, how one waits for a result, and what is refused."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from modelcote.core.runs import RunLimits, new_run_id
from modelcote.flow.result import dumps
from modelcote.identity import keys
from modelcote.registry import models
from modelcote.runs.records import Webhook
from modelcote.runs.worker import execution_name
from modelcote.webhooks.credentials import BasicAuth
from modelcote.webhooks.seal import seal
from tests.contract.control.front import HOOK, Front
from tests.contract.control.stand import PROJECT, check_problem
from tests.support.runs_stand import fail

SHOWN = {
    "run_id", "model", "version", "state", "attempt", "created_at", "started_at", "ended_at", "queue_until",
    "run_limit_s", "run_time_ms", "points", "result_until", "error", "webhook_endpoint", "webhook_auth",
}  # fmt: skip


def test_a_run_from_the_queue_to_its_result(front: Front) -> None:
    run = front.runs.accept([[1, 2], [3, 4]])
    queued = front.ok("GET", f"/runs/{run.run_id}")
    assert set(queued) == SHOWN
    assert (queued["state"], queued["started_at"], queued["ended_at"], queued["error"]) == ("QUEUED", None, None, None)
    assert queued["queue_until"] > queued["created_at"]
    front.runs.drain()
    ended = front.call("GET", f"/runs/{run.run_id}").json()
    assert set(ended) == SHOWN | {"result"}
    assert (ended["state"], ended["attempt"], ended["result"]) == ("SUCCEEDED", 1, [[2, 4], [6, 8]])
    assert (ended["run_time_ms"], ended["points"]) == (1.5, 2)
    assert ended["result_until"] > ended["ended_at"] >= ended["started_at"] >= ended["created_at"]
    assert datetime.fromisoformat(ended["ended_at"]).tzinfo == UTC
    result = {name: ended[name] for name in ("run_time_ms", "points", "result")}
    assert front.ok("GET", f"/runs/{run.run_id}/result") == {**result, "run_id": run.run_id}


def test_lists(front: Front) -> None:
    old = front.runs.done(model="iris")
    time.sleep(0.005)
    middle = datetime.now(UTC)
    time.sleep(0.005)
    new = [front.runs.accept(model="other"), front.runs.accept()]
    newest_first = [run.run_id for run in (*reversed(new), old)]
    rows, cursor = front.listed("runs")
    assert ([row["run_id"] for row in rows], cursor) == (newest_first, None)
    assert all(set(row) == SHOWN for row in rows)
    assert front.ids("runs", model="other") == [new[0].run_id]
    assert front.ids("runs", model="unknown") == front.ids("runs", until="1970-01-01") == []
    assert front.ids("runs", state="SUCCEEDED") == [old.run_id]
    for at in (middle.isoformat(), f"{middle.timestamp():.6f}"):
        assert front.ids("runs", since=at) == newest_first[:2]
        assert front.ids("runs", until=at) == [old.run_id]
    assert front.ids("runs", since="1h") == newest_first
    rows, cursor = front.listed("runs", limit=2)
    assert [row["run_id"] for row in rows] == newest_first[:2]
    assert front.ids("runs", limit=2, cursor=cursor) == [old.run_id]


def test_waiting_ends_with_the_run_or_with_the_time(front: Front) -> None:
    run = front.runs.accept()
    started = time.monotonic()
    assert front.call("GET", f"/runs/{run.run_id}", params={"wait": 0.3}).json()["state"] == "QUEUED"
    assert 0.3 <= time.monotonic() - started < 3
    timer = threading.Timer(0.2, front.runs.drain)
    timer.start()
    started = time.monotonic()
    assert front.call("GET", f"/runs/{run.run_id}", params={"wait": 20}).json()["result"] == [[2, 4]]
    assert time.monotonic() - started < 10
    timer.join()


@pytest.mark.parametrize(("size", "inline"), [(200_000, ("run", "result")), (300_000, ("result",)), (4_300_000, ())])
def test_a_large_result_is_referred_to(front: Front, size: int, inline: tuple[str, ...]) -> None:
    front.runs.play = lambda _: dumps({"result": ["x" * size], "run_time_ms": 1.0, "points": 1})
    run = front.runs.done()
    for name, path in (("run", ""), ("result", "/result")):
        answer = front.ok("GET", f"/runs/{run.run_id}{path}")
        if name in inline:
            assert answer["result"] == ["x" * size]
            assert "result_url" not in answer
        else:
            assert "result" not in answer
            assert answer["content_type"] == "application/json"
            got = httpx.get(answer["result_url"])
            assert (len(got.content), hashlib.sha256(got.content).hexdigest()) == (answer["bytes"], answer["sha256"])
            assert got.json()["result"] == ["x" * size]


def test_a_result_that_grows_beyond_lambda_s_limit_is_referred_to(front: Front) -> None:
    front.runs.play = lambda _: dumps({"result": [""] * 1_390_000, "run_time_ms": 1.0, "points": 1})
    answer = front.ok("GET", f"/runs/{front.runs.done().run_id}/result")
    assert answer["bytes"] <= 4 * 1024 * 1024
    assert "result_url" in answer


def test_a_result_is_null_text_or_number(front: Front) -> None:
    for value in (None, "käse \u2028", 1.5, {"a": [None]}):
        front.runs.play = lambda _, value=value: dumps({"result": value, "run_time_ms": 1.0, "points": 1})  # type: ignore[misc]
        assert front.ok("GET", f"/runs/{front.runs.done().run_id}")["result"] == value


def test_a_run_without_a_result(front: Front) -> None:
    queued = front.runs.accept()
    assert "QUEUED" in check_problem(front.call("GET", f"/runs/{queued.run_id}/result"), 409)["detail"]
    front.runs.drain()
    front.runs.play = fail
    failed = front.runs.done()
    shown = front.ok("GET", f"/runs/{failed.run_id}")
    error = shown["error"]
    assert (shown["state"], error["code"], error["exception"]) == ("FAILED", "model_failed", "ValueError")
    assert "result" not in shown
    assert "FAILED" in check_problem(front.call("GET", f"/runs/{failed.run_id}/result"), 409)["detail"]
    front.runs.later(8 * 86_400)
    assert "result" not in front.call("GET", f"/runs/{queued.run_id}").json()
    assert "expired" in check_problem(front.call("GET", f"/runs/{queued.run_id}/result"), 404)["detail"]


def test_cancel(front: Front) -> None:
    queued = front.runs.accept()
    canceled = front.ok("POST", f"/runs/{queued.run_id}/cancel")
    assert (canceled["state"], canceled["error"]["code"]) == ("CANCELED", "canceled")
    assert front.runs.open_runs() == 0
    long = front.runs.accept(limits=RunLimits(3_600, 300, 86_400))
    front.runs.drain()
    assert front.call("POST", f"/runs/{long.run_id}/cancel").json()["state"] == "CANCELED"
    assert front.runs.executions.stopped == [execution_name(front.runs.run(long.run_id))]
    for run in (queued, long, front.runs.done()):
        before = front.runs.run(run.run_id)
        check_problem(front.call("POST", f"/runs/{run.run_id}/cancel"), 409)
        assert front.runs.run(run.run_id) == before


def routes_of(run_id: str) -> list[tuple[str, str]]:
    run, delivery = f"/runs/{run_id}", f"/deliveries/{run_id}"
    read = [("GET", path) for path in (run, f"{run}/result", delivery)]
    return [*read, ("POST", f"{run}/cancel"), ("POST", f"{delivery}/replay")]


def test_ids_that_are_not_this_project_s(front: Front) -> None:
    other = front.runs.accept(project="other")
    models.ensure_project(front.stand.registry, "other")
    _, key = keys.create(front.stand.registry.table, "other", "other", ["predict"])
    mine = front.runs.done(webhook=Webhook(HOOK))
    for run_id in (other.run_id, new_run_id(), "x", "0" * 31, "0" * 33, mine.run_id.upper(), "g" * 32, "a" * 5_000):
        for method, path in routes_of(run_id):
            check_problem(front.call(method, path), 404)
    check_problem(front.stand.raw("GET", f"/v1/projects/other/runs/{mine.run_id}", key=key), 404)
    assert front.stand.raw("GET", f"/v1/projects/other/runs/{other.run_id}", key=key).status_code == 200


def test_waits(front: Front) -> None:
    run = front.runs.accept()
    for value in ("-1", "20.1", "1e9", "nan", "inf", "x", "", "-0.001", "9" * 400):
        problem = check_problem(front.call("GET", f"/runs/{run.run_id}", params={"wait": value}), 422)
        assert problem["field"] == "wait", value


REFUSED = [
    *(("limit", value) for value in ("0", "-1", "201", "1e9", "x", "", "1.5", "9" * 5_000)),
    *(("since", value) for value in ("x", "-1", "1e9", "nan", "1" * 13, "99999-01-01", "2026-13-01", "1y", "\u0661h")),
    *(("until", value) for value in ("x", "-5", "Infinity", "2026-01-01T25:00:00", "a" * 65)),
    *(("cursor", value) for value in ("x", "0" * 31, "G" * 32, "../" * 10)),
    *(("state", value) for value in ("x", "queued", "QUEUED\n", "QUEUED,FAILED", "")),
    ("model", "a" * 65),
]


def test_queries(front: Front) -> None:
    for path in ("/runs", "/deliveries"):
        for name, value in REFUSED:
            problem = check_problem(front.call("GET", path, params={name: value}), 422)
            assert problem["field"] == name, (name, value)


def test_times_and_cursors_that_contradict_each_other(front: Front) -> None:
    old, now = front.runs.accept(), datetime.now(UTC)
    later = (now + timedelta(hours=1)).isoformat()
    for path in ("/runs", "/deliveries"):
        for field, value in (("until", now.isoformat()), ("cursor", old.run_id)):
            answer = front.call("GET", path, params={"since": later, field: value})
            assert check_problem(answer, 422)["field"] == field


def test_no_answer_holds_a_credential(front: Front) -> None:
    runs, canary = front.runs, "hunter2-canary"
    run_id = new_run_id()
    sealed = seal(runs.kms, runs.key_arn, BasicAuth("user", canary), PROJECT, run_id)
    event = b'{"data":[[1]],"run_id":"' + run_id.encode() + b'"}'
    run = front.runs.done(run_id=run_id, event=event, webhook=Webhook(HOOK, sealed))
    front.deliver(run)
    routes = [*routes_of(run_id), ("GET", "/runs"), ("GET", "/deliveries")]
    answers = [front.call(method, path) for method, path in routes]
    shown = answers[0].json()
    assert (shown["webhook_auth"], shown["webhook_endpoint"]) == (True, HOOK)
    for answer in answers:
        for secret in (canary, "ciphertext", sealed[20:60]):
            assert secret.lower() not in answer.text.lower()
    assert canary not in str(front.stand.log)
