"""Runs and webhooks on the local cloud: the same functions, queues and state machine as on AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy
import pytest
from sklearn.linear_model import LinearRegression
from standardwebhooks import Webhook as Verifier

from modelcote import model_type
from tests.local.cloud import Cloud
from tests.support.receivers import Receiver, answer

MODEL = "runner"


def doubled(data: Any) -> Any:
    """A processor that waits as long as the request says."""
    import time

    rows = data["rows"] if isinstance(data, dict) else data
    time.sleep(data.get("sleep", 0) if isinstance(data, dict) else 0)
    return rows


@pytest.fixture(scope="module")
def model(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A model that doubles one number, and waits where it is told to; its runs may last 120 seconds."""
    path = tmp_path_factory.mktemp("model") / "double.pkl"
    joblib.dump(LinearRegression().fit(numpy.array([[0.0], [1.0], [2.0]]), [0.0, 2.0, 4.0]), path)
    flow = (model_type.SKLEARN, str(path), {"pre": doubled})
    cloud.conduit(MODEL, flow, timeout=120, max_replicas=4).deploy()
    return MODEL


def until(read: Callable[[], Any], holds: Callable[[Any], bool], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not holds(value := read()):
        assert time.monotonic() < deadline, value
        time.sleep(0.1)
    return value


def run_of(cloud: Cloud, run_id: str) -> Any:
    return cloud.get(f"/runs/{run_id}?wait=5").json()


def ended(cloud: Cloud, run_id: str, seconds: float = 40) -> Any:
    return until(lambda: run_of(cloud, run_id), lambda run: run["state"] not in ("QUEUED", "RUNNING"), seconds)


def test_a_run_through_the_fast_lane(cloud: Cloud, model: str) -> None:
    answered = cloud.http.post(
        cloud.predict_url(model), json=[[3.0]], headers={"Prefer": "respond-async", "x-modelcote-run-limit": "30"}
    )
    assert answered.status_code == 202, answered.text
    run = ended(cloud, answered.json()["run_id"])
    assert run["state"] == "SUCCEEDED", run
    assert run["result"] == pytest.approx([6.0])


def test_a_run_through_the_long_lane(cloud: Cloud, model: str) -> None:
    answered = cloud.http.post(cloud.predict_url(model), json=[[4.0]], headers={"Prefer": "respond-async"})
    run = ended(cloud, answered.json()["run_id"])
    assert run["state"] == "SUCCEEDED", run
    assert run["result"] == pytest.approx([8.0])


def test_the_sequence_of_the_conduit_long_running_page(cloud: Cloud, model: str) -> None:
    secret = cloud.post("/webhooks/secret/rotate", {}).json()["secret"]
    with Receiver(lambda _: answer(200)) as receiver:
        answered = cloud.http.post(cloud.predict_url(model), json={"rows": [[5.0]], "webhook_endpoint": receiver.url})
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


def test_a_call_that_outlasts_the_gateway_becomes_a_run(cloud: Cloud, model: str) -> None:
    started = time.monotonic()
    answered = cloud.http.post(cloud.predict_url(model), json={"rows": [[6.0]], "sleep": 29})
    assert answered.status_code == 202, answered.text
    assert 24 < time.monotonic() - started < 29
    assert answered.headers["location"].endswith(answered.json()["run_id"])
    run = ended(cloud, answered.json()["run_id"])
    assert (run["state"], run["attempt"]) == ("SUCCEEDED", 1)
    assert run["result"] == pytest.approx([12.0])


def test_cancel(cloud: Cloud, model: str) -> None:
    answered = cloud.http.post(
        cloud.predict_url(model), json={"rows": [[1.0]], "sleep": 5}, headers={"Prefer": "respond-async"}
    )
    run_id = answered.json()["run_id"]
    until(lambda: run_of(cloud, run_id), lambda run: run["state"] == "RUNNING")
    assert cloud.post(f"/runs/{run_id}/cancel", {}).json()["state"] == "CANCELED"
    assert cloud.post(f"/runs/{run_id}/cancel", {}).status_code == 409
    time.sleep(6)
    assert run_of(cloud, run_id)["state"] == "CANCELED"


def test_the_models_own_error(cloud: Cloud, model: str) -> None:
    answered = cloud.http.post(cloud.predict_url(model), json=[["x"]], headers={"Prefer": "respond-async"})
    run = ended(cloud, answered.json()["run_id"])
    assert run["state"] == "FAILED"
    assert run["error"]["status"] == 422
    assert "Traceback" not in json.dumps(run)


def test_files_under_the_home_hold_no_input_of_a_long_run(cloud: Cloud, model: str) -> None:
    """A state machine's history is kept for ninety days: what callers send is not in it."""
    canary = 8_675_309.25
    answered = cloud.http.post(cloud.predict_url(model), json=[[canary]], headers={"Prefer": "respond-async"})
    assert ended(cloud, answered.json()["run_id"])["state"] == "SUCCEEDED"
    assert not [path for path in _files(cloud.home, "*states*") if str(canary).encode() in path.read_bytes()]


def _files(home: Path, pattern: str) -> list[Path]:
    return [path for path in home.rglob(pattern) if path.is_file()]
