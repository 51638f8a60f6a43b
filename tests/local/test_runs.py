"""Runs and webhooks on the local cloud: the same functions, queues and state machine as on AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
from standardwebhooks import Webhook as Verifier

from tests.local.cloud import Cloud
from tests.local.waiting import ended, run_of
from tests.support.receivers import Receiver, answer
from tests.support.waiting import until


@pytest.fixture(scope="module", autouse=True)
def outlasting(cloud: Cloud, runner: str) -> Iterator[Future[httpx.Response]]:
    """A call that takes longer than the gateway waits, made while the other tests run."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(cloud.http.post, cloud.predict_url(runner), json={"rows": [[6.0]], "sleep": 32})


def submit(cloud: Cloud, model: str, data: object, **headers: str) -> str:
    """Request a run and return its id."""
    asked = {"Prefer": "respond-async", **headers}
    answered = cloud.http.post(cloud.predict_url(model), json=data, headers=asked)
    assert answered.status_code == 202, answered.text
    return str(answered.json()["run_id"])


@pytest.mark.parametrize("limit", [{"x-modelcote-run-limit": "30"}, {}], ids=["fast lane", "long lane"])
def test_a_run_through_its_lane(cloud: Cloud, runner: str, limit: dict[str, str]) -> None:
    run = ended(cloud, submit(cloud, runner, [[3.0]], **limit))
    assert run["state"] == "SUCCEEDED", run
    assert run["result"] == pytest.approx([6.0])


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


def test_cancel(cloud: Cloud, runner: str) -> None:
    run_id = submit(cloud, runner, {"rows": [[1.0]], "sleep": 4})
    until(lambda: cloud.get(f"/runs/{run_id}").json(), lambda run: run["state"] == "RUNNING")
    ends = model_calls(cloud, runner)
    assert cloud.post(f"/runs/{run_id}/cancel", {}).json()["state"] == "CANCELED"
    assert cloud.post(f"/runs/{run_id}/cancel", {}).status_code == 409
    until(lambda: model_calls(cloud, runner) > ends)
    assert run_of(cloud, run_id)["state"] == "CANCELED"


def model_calls(cloud: Cloud, model: str) -> int:
    """How many calls of the model's function have ended."""
    return (cloud.home / "logs" / f"local_{cloud.project}_{model}.log").read_text().count("REPORT RequestId")


def test_the_models_own_error(cloud: Cloud, runner: str) -> None:
    run = ended(cloud, submit(cloud, runner, [["x"]]))
    assert run["state"] == "FAILED"
    assert run["error"]["status"] == 422
    assert "Traceback" not in json.dumps(run)


def test_a_call_that_outlasts_the_gateway_becomes_a_run(cloud: Cloud, outlasting: Future[httpx.Response]) -> None:
    answered = outlasting.result()
    assert answered.status_code == 202, answered.text
    assert answered.elapsed.total_seconds() > 24
    assert answered.headers["location"].endswith(answered.json()["run_id"])
    run = ended(cloud, answered.json()["run_id"])
    assert (run["state"], run["attempt"]) == ("SUCCEEDED", 1)
    assert run["result"] == pytest.approx([12.0])
