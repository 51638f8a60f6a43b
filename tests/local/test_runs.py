"""Runs and webhooks on the local cloud: the same functions, queues and state machine as on AWS."""

from __future__ import annotations

import json
import time

import pytest
from standardwebhooks import Webhook as Verifier

from tests.local.cloud import Cloud
from tests.local.waiting import ended, run_of, until
from tests.support.receivers import Receiver, answer


def test_a_run_through_the_fast_lane(cloud: Cloud, runner: str) -> None:
    answered = cloud.http.post(
        cloud.predict_url(runner), json=[[3.0]], headers={"Prefer": "respond-async", "x-modelcote-run-limit": "30"}
    )
    assert answered.status_code == 202, answered.text
    run = ended(cloud, answered.json()["run_id"])
    assert run["state"] == "SUCCEEDED", run
    assert run["result"] == pytest.approx([6.0])


def test_a_run_through_the_long_lane(cloud: Cloud, runner: str) -> None:
    answered = cloud.http.post(cloud.predict_url(runner), json=[[4.0]], headers={"Prefer": "respond-async"})
    run = ended(cloud, answered.json()["run_id"])
    assert run["state"] == "SUCCEEDED", run
    assert run["result"] == pytest.approx([8.0])


def test_the_sequence_of_the_conduit_long_running_page(cloud: Cloud, runner: str) -> None:
    secret = cloud.post("/webhooks/secret/rotate", {}).json()["secret"]
    with Receiver(lambda _: answer(200)) as receiver:
        answered = cloud.http.post(cloud.predict_url(runner), json={"rows": [[5.0]], "webhook_endpoint": receiver.url})
        assert answered.status_code == 202, answered.text
        body = answered.json()
        assert body == {
            "run_id": body["run_id"],
            "webhook_endpoint": receiver.url,
            "message": "We will return the output to the endpoint provided when the task is complete.",
        }
        until(lambda: list(receiver.seen), bool, 40)
        (seen,) = receiver.seen
    told = Verifier(secret).verify(seen.body, dict(seen.headers))
    assert set(told) == {"run_id", "message", "result", "status_code", "run_time_ms"}
    assert told["message"] == f"Finished inference request with run_id: `{body['run_id']}`"
    assert told["result"] == pytest.approx([10.0])
    assert (told["run_id"], told["status_code"]) == (body["run_id"], 200)
    delivery = until(lambda: cloud.get(f"/deliveries/{body['run_id']}").json(), lambda row: row["state"] == "DELIVERED")
    assert [one["status"] for one in delivery["attempts"]] == [200]


def test_a_call_that_outlasts_the_gateway_becomes_a_run(cloud: Cloud, runner: str) -> None:
    started = time.monotonic()
    answered = cloud.http.post(cloud.predict_url(runner), json={"rows": [[6.0]], "sleep": 29})
    assert answered.status_code == 202, answered.text
    assert 24 < time.monotonic() - started < 29
    assert answered.headers["location"].endswith(answered.json()["run_id"])
    run = ended(cloud, answered.json()["run_id"])
    assert (run["state"], run["attempt"]) == ("SUCCEEDED", 1)
    assert run["result"] == pytest.approx([12.0])


def test_cancel(cloud: Cloud, runner: str) -> None:
    answered = cloud.http.post(
        cloud.predict_url(runner), json={"rows": [[1.0]], "sleep": 5}, headers={"Prefer": "respond-async"}
    )
    run_id = answered.json()["run_id"]
    until(lambda: run_of(cloud, run_id), lambda run: run["state"] == "RUNNING")
    assert cloud.post(f"/runs/{run_id}/cancel", {}).json()["state"] == "CANCELED"
    assert cloud.post(f"/runs/{run_id}/cancel", {}).status_code == 409
    time.sleep(6)
    assert run_of(cloud, run_id)["state"] == "CANCELED"


def test_the_models_own_error(cloud: Cloud, runner: str) -> None:
    answered = cloud.http.post(cloud.predict_url(runner), json=[["x"]], headers={"Prefer": "respond-async"})
    run = ended(cloud, answered.json()["run_id"])
    assert run["state"] == "FAILED"
    assert run["error"]["status"] == 422
    assert "Traceback" not in json.dumps(run)
