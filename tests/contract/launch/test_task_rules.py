"""What the dialect refuses of tasks, and how their ends are shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcote.core.runs import CANCELED, QUEUED, RUNNING, SUCCEEDED, TIMED_OUT, new_run_id
from modelcote.dialects.launch.views import task_status
from modelcote.registry.records import model_key
from modelcote.runs.cancel import cancel
from modelcote.runs.records import Run
from tests.contract.control.front import MODEL
from tests.contract.control.stand import PROJECT
from tests.contract.launch.stand import BASIC, CANARY, NAME, Launch
from tests.support.authority import Authority

BAD_TASKS: list[tuple[dict[str, Any], str]] = [
    ({}, "args"),
    ({"args": None, "url": None}, "args"),
    ({"args": [1]}, "args"),
    ({"url": ""}, "url"),
    ({"args": {}, "return_pickled": True}, "return_pickled"),
    ({"args": {}, "return_pickled": "no"}, "return_pickled"),
    ({"args": {}, "callback_auth": {"kind": "mtls", "cert": "cert", "key": "key"}}, "callback_auth"),
    ({"args": {}, "callback_auth": {"kind": "basic", "username": "a:b", "password": ""}}, "callback_auth"),
    ({"args": {}, "callback_auth": {**BASIC, "cert": "c", "key": "k"}}, "callback_auth"),
    ({"args": {}, "callback_url": 7}, "callback_url"),
    ({"args": {}, "callback_url": ""}, "callback_url"),
]


def test_a_task_against_the_rules(launch: Launch) -> None:
    endpoint_id = launch.create()
    for body, said in BAD_TASKS:
        detail = launch.task_refused(422, endpoint_id, body)
        assert said in detail, body
        assert CANARY not in detail
    assert launch.front.runs.open_runs() == 0


def test_a_client_certificate_that_does_not_hold(launch: Launch) -> None:
    authority = Authority()
    endpoint_id = launch.create()
    expired = authority.issue("client", client=True, expired=True)
    other = authority.issue("client", client=True)[0], authority.issue("client", client=True, key="rsa")[1]
    for cert, key in (expired, other):
        auth = {"kind": "mtls", "cert": cert, "key": key}
        launch.task_refused(422, endpoint_id, {"args": {}, "callback_auth": auth})


def test_credentials_for_no_url(launch: Launch) -> None:
    endpoint_id = launch.create(default_callback_url=None, default_callback_auth=None)
    assert "callback_url" in launch.task_refused(422, endpoint_id, {"args": {}, "callback_auth": BASIC})
    assert launch.run(launch.task(endpoint_id)).webhook_url == ""


def test_a_url_is_given_to_the_model(launch: Launch) -> None:
    endpoint_id, url = launch.create(), {"url": "https://example.com/data.json"}
    both, alone = launch.run(launch.task(endpoint_id, **url)), launch.run(launch.task(endpoint_id, args=None, **url))
    assert json.loads(alone.input)["data"] == url
    assert json.loads(both.input)["data"] == {"x": 2, "y": "hello", **url}


def test_tasks_that_are_none(launch: Launch) -> None:
    native = launch.front.runs.accept([[1]])
    for task_id in (native.run_id, new_run_id(), "x", "0" * 31):
        launch.refused(404, "GET", f"/async-tasks/{task_id}")


STATUSES = {QUEUED: "PENDING", RUNNING: "STARTED", SUCCEEDED: "SUCCESS"}


@pytest.mark.parametrize("state", [*STATUSES, "FAILED", CANCELED, "EXPIRED", TIMED_OUT])
def test_the_status_of_a_task(state: str) -> None:
    assert task_status(Run("p", "0" * 32, "m", 1, "f", state=state)) == STATUSES.get(state, "FAILURE")


def test_a_model_that_goes_away(launch: Launch) -> None:
    endpoint_id = launch.create()
    launch.front.stand.registry.table.update(model_key(PROJECT, MODEL), {"state": "DELETING"})
    (shown,) = launch.listed(NAME)
    workers = shown["deployment_state"]
    assert (shown["status"], workers["available_workers"], workers["unavailable_workers"]) == ("UPDATE_FAILED", 0, 1)
    launch.task_refused(409, endpoint_id)
    launch.refused(404, "PUT", f"/model-endpoints/{endpoint_id}", json={"model_bundle_id": MODEL})
    assert launch.call("DELETE", f"/model-endpoints/{endpoint_id}").status_code == 200


def test_a_canceled_task(launch: Launch) -> None:
    task = launch.task(launch.create())
    cancel(launch.front.runs.store, launch.front.runs.executions, PROJECT, task)
    shown = launch.status(task)
    assert (shown["status"], shown["result"], shown["status_code"]) == ("FAILURE", None, 409)
    assert "canceled" in shown["traceback"]


def test_a_large_result_and_an_expired_one(launch: Launch) -> None:
    launch.front.runs.play = lambda _: json.dumps({"result": ["x" * 300_000], "run_time_ms": 1.0, "points": 1}).encode()
    task = launch.task(launch.create(post_inference_hooks=[]))
    launch.front.runs.drain()
    shown = launch.status(task)
    assert shown["result"].keys() == {"result_url"}
    launch.front.runs.later(8 * 86_400)
    assert launch.status(task)["result"] == {}


def test_the_quota_of_open_runs(launch: Launch) -> None:
    endpoint_id = launch.create()
    launch.front.policy(open_runs=1)
    launch.task(endpoint_id)
    launch.task_refused(429, endpoint_id)
