"""What the dialect refuses of endpoints, and how it shows them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcote.dialects.launch import store
from modelcote.dialects.launch.views import endpoint_status
from modelcote.identity import keys
from modelcote.registry import models
from modelcote.registry.records import Model
from modelcote.webhooks.credentials import BasicAuth
from tests.contract.control.stand import PROJECT
from tests.contract.launch.stand import BASIC, CANARY, CREATE, NAME, NOBODY, Launch
from tests.support.authority import Authority
from tests.support.bad_urls import BAD_URLS

# Each stand takes its time: what needs no fresh one is a table, not a parameter.
BAD_ENDPOINTS: list[tuple[int, dict[str, Any], str]] = [
    (400, {"labels": {"team": "a"}}, "labels"),
    (400, {"labels": {"team": "a", "product": "b", "user_id": "c"}}, "user_id"),
    (400, {"labels": {"team": "a", "product": "b", "endpoint_name": "c"}}, "endpoint_name"),
    (400, {"endpoint_type": "sync", "min_workers": 0}, "min_workers"),
    (400, {"endpoint_type": "streaming", "min_workers": 0}, "min_workers"),
    (400, {"max_workers": 251}, "250"),
    (400, {"min_workers": 3, "max_workers": 2}, "max_workers"),
    (400, {"gpus": 1}, "gpu_type"),
    (422, {"gpus": 1, "gpu_type": "nvidia-geforce"}, "gpu_type"),
    (404, {"model_bundle_id": "unknown"}, "model bundle"),
    (404, {"model_bundle_id": "../" * 900}, "model bundle"),
]
MTLS = {"kind": "mtls", "cert": "cert", "key": "key"}
BAD_FIELDS: dict[str, list[Any]] = {
    "labels": [{"team": 1, "product": "b"}, None],
    "min_workers": [-1],
    "per_worker": [0, "1"],
    "gpus": [-1, True, 10**300],
    "endpoint_type": ["batch"],
    "post_inference_hooks": [["insight"], "callback"],
    "name": ["n" * 64, "", "a\nb"],
    "cpus": ["many"],
    "memory": [-1],
    "metadata": [{"text": "x" * 9_000}],
    "model_bundle_id": [7],
    "default_callback_url": ["http://169.254.169.254/"],
    "default_callback_auth": [{"kind": "digest"}, MTLS, "user:password"],
}


def test_an_endpoint_against_the_rules(launch: Launch) -> None:
    fields = [(422, {field: value}, field) for field, values in BAD_FIELDS.items() for value in values]
    for status, changes, said in BAD_ENDPOINTS + fields:
        detail = launch.refused(status, "POST", "/model-endpoints", json={**CREATE, **changes})
        assert said in detail, changes
    assert launch.listed() == []


def test_a_field_that_is_missing(launch: Launch) -> None:
    for name in ("name", "model_bundle_id", "endpoint_type", "min_workers", "max_workers", "per_worker", "labels"):
        body = {field: value for field, value in CREATE.items() if field != name}
        assert name in launch.refused(422, "POST", "/model-endpoints", json=body)


def test_what_is_taken(launch: Launch) -> None:
    big = 10**300
    changes = {"cpus": "500m", "memory": 8e9, "gpus": 1, "gpu_type": "nvidia-hopper-h100-1g20gb", "storage": None}
    launch.create(name="n" * 63, min_workers=0, max_workers=250, metadata={"big": big, "deep": [{}]}, **changes)
    (shown,) = launch.listed("n" * 63)
    assert shown["metadata"] == {"big": big, "deep": [{}]}
    assert shown["resource_state"]["gpu_type"] == "nvidia-hopper-h100-1g20gb"
    assert (shown["resource_state"]["cpus"], shown["resource_state"]["storage"]) == ("500m", None)


def test_a_name_is_taken_once(launch: Launch) -> None:
    endpoint_id = launch.create()
    assert "this name" in launch.refused(400, "POST", "/model-endpoints", json={**CREATE, "per_worker": 1})
    (shown,) = launch.listed()
    assert (shown["id"], shown["deployment_state"]["per_worker"]) == (endpoint_id, 10)
    assert launch.call("DELETE", f"/model-endpoints/{endpoint_id}", json={}).json() == {"deleted": True}
    assert launch.create() != endpoint_id


def test_an_edit_against_the_rules_changes_nothing(launch: Launch) -> None:
    endpoint_id = launch.create()
    before = launch.row(endpoint_id)
    unprocessable = {"per_worker": 0, "default_callback_auth": MTLS, "default_callback_url": "https://10.0.0.1/"}
    against = {"labels": {"team": "a"}, "min_workers": 2, "max_workers": 0}
    for status, changes in ((400, against), (404, {"model_bundle_id": "unknown"}), (422, unprocessable)):
        for field, value in changes.items():
            body = {"default_callback_auth": BASIC, field: value}
            launch.refused(status, "PUT", f"/model-endpoints/{endpoint_id}", json=body)
    assert launch.row(endpoint_id) == before
    assert launch.default_auth(endpoint_id) == BasicAuth("user", "password")


def test_two_operations_at_once(launch: Launch) -> None:
    endpoint_id = launch.create()
    stale = launch.row(endpoint_id)
    launch.edit(endpoint_id, per_worker=11)
    path = f"/model-endpoints/{endpoint_id}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "get_endpoint", lambda *_: stale)
        launch.refused(409, "PUT", path, json={"per_worker": 12, "default_callback_auth": BASIC})
        launch.refused(409, "DELETE", path)
    assert launch.listed(NAME)[0]["deployment_state"]["per_worker"] == 11
    assert launch.default_auth(endpoint_id) == BasicAuth("user", "password")


def test_a_write_whose_answer_was_lost_is_no_conflict(launch: Launch) -> None:
    endpoint_id = launch.create()
    table, row = launch.front.stand.registry.table, launch.row(endpoint_id)
    put = table.put

    def twice(*arguments: Any, **values: Any) -> None:
        put(*arguments, **values)
        put(*arguments, **values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "put", twice)
        assert store.change_endpoint(table, row) == launch.row(endpoint_id)


def test_credentials_that_go_away_between(launch: Launch) -> None:
    """A task that has read the row before an edit, and its credentials after it, is to be sent again."""
    endpoint_id = launch.create()
    launch.front.stand.services.webhook_secrets.remove_auth(PROJECT, launch.row(endpoint_id).callback_auth)
    launch.task_refused(503, endpoint_id)


def test_no_credential_is_ever_shown(launch: Launch) -> None:
    cert, key = Authority().issue("client", client=True)
    endpoint_id = launch.create(default_callback_auth=BASIC, default_callback_url="https://example.com/?t=1")
    task = launch.task(endpoint_id, callback_auth={"kind": "mtls", "cert": cert, "key": key})
    path = f"/model-endpoints/{endpoint_id}"
    answers = [
        launch.call("GET", "/model-endpoints"),
        launch.call("GET", "/model-endpoints", params={"name": NAME}),
        *(launch.call("PUT", path, json={"default_callback_auth": auth}) for auth in (BASIC, {**BASIC, "x": 1})),
        launch.call("GET", f"/async-tasks/{task}"),
        launch.call("DELETE", path),
    ]
    stored = json.dumps(launch.run(task).to_item())
    for text in (*(answer.text for answer in answers), str(launch.front.stand.log), stored):
        for secret in (CANARY, "PRIVATE KEY", "BEGIN CERTIFICATE", 'default_callback_auth":'):
            assert secret not in text


def test_a_callback_to_nowhere(launch: Launch) -> None:
    endpoint_id = launch.create()
    launch.front.policy(webhook_loopback=False, webhook_http=False)
    for url, why in BAD_URLS:
        # Text that JSON itself may not hold is a bad request.
        unreadable = "\0" in url or any("\ud800" <= char <= "\udfff" for char in url)
        body = {"args": {"x": 1}, "callback_url": url}
        detail = launch.task_refused(400 if unreadable else 422, endpoint_id, body)
        assert unreadable or detail.startswith("callback_url"), why


def test_an_endpoint_that_is_not_there(launch: Launch) -> None:
    for endpoint_id in (NOBODY, "end_abc", "x" * 128, "%2e%2e", "LAUNCHNAME", "end_" + "A" * 20):
        for method in ("PUT", "DELETE"):
            launch.refused(404, method, f"/model-endpoints/{endpoint_id}", json={})
        for kind in ("async", "sync"):
            launch.task_refused(422 if len(endpoint_id) > 64 else 404, endpoint_id, kind=kind)


def test_what_is_somebody_else_s(launch: Launch) -> None:
    registry = launch.front.stand.registry
    endpoint_id = launch.create()
    task = launch.task(endpoint_id)
    models.ensure_project(registry, "other")
    key = keys.create(registry.table, "other", "all", ["admin"])[1]
    for params in ({}, {"name": NAME}):
        assert launch.ok("GET", "/model-endpoints", key=key, params=params) == {"model_endpoints": []}
    launch.refused(404, "PUT", f"/model-endpoints/{endpoint_id}", key=key, json={})
    launch.refused(404, "DELETE", f"/model-endpoints/{endpoint_id}", key=key)
    launch.task_refused(404, endpoint_id, key=key)
    launch.refused(404, "GET", f"/async-tasks/{task}", key=key)
    launch.refused(404, "POST", "/model-endpoints", key=key, json=CREATE)
    assert [row["id"] for row in launch.listed()] == [endpoint_id]


def test_the_kind_of_an_endpoint(launch: Launch) -> None:
    asynchronous, synchronous = launch.create(), launch.create(name="sync", endpoint_type="sync")
    body = {"args": {"x": 1}, "return_pickled": False}
    assert "async" in launch.task_refused(400, asynchronous, body, "sync")
    assert "yet" in launch.task_refused(404, synchronous, body, "sync")
    assert "sync" in launch.task_refused(400, synchronous, body)


@pytest.mark.parametrize(
    ("model", "status"),
    [
        (Model("p", "m", "READY", current_version=1), "READY"),
        (Model("p", "m", "DEPLOYING", current_version=1), "READY"),
        (Model("p", "m", "DEPLOYING"), "UPDATE_IN_PROGRESS"),
        (Model("p", "m", "NEW"), "UPDATE_PENDING"),
        (Model("p", "m", "FAILED"), "UPDATE_FAILED"),
        (Model("p", "m", "FAILED", current_version=1), "READY"),
        (Model("p", "m", "DELETING", current_version=1), "UPDATE_FAILED"),
        (None, "UPDATE_FAILED"),
    ],
)
def test_the_status_of_an_endpoint(model: Model | None, status: str) -> None:
    assert endpoint_status(model) == status
