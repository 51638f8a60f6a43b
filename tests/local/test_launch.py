"""The launch dialect on the local cloud: from an endpoint to the callback of a task."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import joblib
import numpy
import pytest
from sklearn.linear_model import LinearRegression

from modelcote import model_type
from tests.local.cloud import Cloud
from tests.support.receivers import Receiver
from tests.support.waiting import until

MODEL = "launched"
BASIC = {"kind": "basic", "username": "user", "password": "password"}
MACHINE = {"memory": "8Gi", "cpus": 1, "gpus": 0, "storage": "16Gi"}
WORKERS = {"min_workers": 1, "max_workers": 1, "per_worker": 10, "high_priority": False}
LABELS = {"team": "MY_TEAM", "product": "MY_PRODUCT"}
ENDPOINT = {"endpoint_type": "async", "metadata": {}, "labels": LABELS, **MACHINE, **WORKERS}


def to_rows(data: Any) -> Any:
    """A processor for what a launch client sends."""
    return [[data["x"]]]


@pytest.fixture(scope="module")
def model(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that adds five to x."""
    path = tmp_path_factory.mktemp("model") / "plus.pkl"
    joblib.dump(LinearRegression().fit(numpy.array([[0.0], [1.0], [2.0]]), [5.0, 6.0, 7.0]), path)
    cloud.conduit(MODEL, (model_type.SKLEARN, str(path), {"pre": to_rows}), timeout=30).deploy()
    return MODEL


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def call(cloud: Cloud, method: str, path: str, body: Any = None, **options: Any) -> Any:
    """What a call of the dialect is answered."""
    with cloud.anonymous() as http:
        answer = http.request(method, f"{cloud.url}/v1{path}", auth=(cloud.key, ""), json=body, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def create(cloud: Cloud, model: str, request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """A function that creates an endpoint as the documented client does and returns its id; deleted with the test."""
    made: list[str] = []

    def make(receiver: Receiver, hooks: list[str] | None) -> str:
        name = f"{request.node.name}-{len(made)}"[-63:]
        callback = {"default_callback_url": receiver.url, "default_callback_auth": BASIC, "post_inference_hooks": hooks}
        body = {"name": name, "model_bundle_id": model, **ENDPOINT, **callback}
        call(cloud, "POST", "/model-endpoints", body)
        (row,) = call(cloud, "GET", "/model-endpoints", params={"name": name})["model_endpoints"]
        assert row["status"] == "READY"
        made.append(row["id"])
        return made[-1]

    yield make
    for endpoint_id in made:
        assert call(cloud, "DELETE", f"/model-endpoints/{endpoint_id}", {}) == {"deleted": True}


def submit(cloud: Cloud, endpoint_id: str, **body: Any) -> str:
    sent = {"args": {"x": 2, "y": "hello"}, "return_pickled": False, **body}
    task: str = call(cloud, "POST", f"/async-tasks?model_endpoint_id={endpoint_id}", sent)["task_id"]
    return task


def ended(cloud: Cloud, task: str) -> Any:
    ends = ("SUCCESS", "FAILURE")
    return until(lambda: call(cloud, "GET", f"/async-tasks/{task}"), lambda shown: shown["status"] in ends)


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def test_a_task_and_its_callback(cloud: Cloud, create: Callable[..., str], receiver: Receiver) -> None:
    task = submit(cloud, create(receiver, ["callback"]))
    outcome = {"status": "SUCCESS", "result": {"result": pytest.approx(7)}, "traceback": None, "status_code": 200}
    assert ended(cloud, task) == {"task_id": task, **outcome}
    (seen,) = until(lambda: list(receiver.seen), bool)
    assert json.loads(seen.body) == {"task_id": task, "result": pytest.approx(7)}
    assert seen.headers["authorization"] == basic("user", "password")


def test_an_edit_changes_the_default_credentials(cloud: Cloud, create: Callable[..., str], receiver: Receiver) -> None:
    endpoint_id = create(receiver, ["callback"])
    auth = {"kind": "basic", "username": "next", "password": "word"}
    call(cloud, "PUT", f"/model-endpoints/{endpoint_id}", {"default_callback_auth": auth})
    own = receiver.url_of(receiver.host, "/custom")
    tasks = {
        submit(cloud, endpoint_id): ("/hook", basic("next", "word")),
        submit(cloud, endpoint_id, callback_url=own): ("/custom", basic("next", "word")),
        submit(cloud, endpoint_id, callback_url=own, callback_auth=BASIC): ("/custom", basic("user", "password")),
    }
    until(lambda: len(receiver.seen), lambda number: number == len(tasks))
    told = {json.loads(seen.body)["task_id"]: (seen.path, seen.headers["authorization"]) for seen in receiver.seen}
    assert told == tasks


def test_without_the_hook_nothing_is_sent(cloud: Cloud, create: Callable[..., str], receiver: Receiver) -> None:
    endpoint_id = create(receiver, None)
    for own in ({}, {"callback_url": receiver.url}):
        task = submit(cloud, endpoint_id, **own)
        assert ended(cloud, task)["status"] == "SUCCESS"
        assert cloud.get(f"/deliveries/{task}").status_code == 404
    assert not receiver.connections


def test_a_failed_task_is_told_too(cloud: Cloud, create: Callable[..., str], receiver: Receiver) -> None:
    task = submit(cloud, create(receiver, ["callback"]), args={"y": "hello"})
    shown = ended(cloud, task)
    assert (shown["status"], shown["result"]) == ("FAILURE", None)
    assert "KeyError" in shown["traceback"]
    (seen,) = until(lambda: list(receiver.seen), bool)
    assert json.loads(seen.body) == {"task_id": task, "status": "FAILURE", "traceback": shown["traceback"]}
