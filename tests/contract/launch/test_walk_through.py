"""The documented walk-through of callbacks, with the bodies that its client sends."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from modelcote.runs.listing import find_delivery
from modelcote.runs.records import DELIVERED, PENDING
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth
from modelcote.webhooks.seal import unseal
from tests.contract.control.front import MODEL
from tests.contract.control.stand import PROJECT, URL
from tests.contract.launch.stand import CREATE, NAME, Launch, hook, shown
from tests.support.authority import Authority, der
from tests.support.receivers import Receiver, answer
from tests.support.runs_stand import fail

BASIC = "Basic " + base64.b64encode(b"user:password").decode()


def mtls(authority: Authority, name: str = "client") -> dict[str, str]:
    cert, key = authority.issue(name, client=True)
    return {"kind": "mtls", "cert": cert, "key": key}


def test_the_endpoint_as_it_is_shown(launch: Launch) -> None:
    assert launch.listed(NAME) == []
    endpoint_id = launch.create()
    (listed,) = launch.listed(NAME)
    workers = {"min_workers": 1, "max_workers": 1, "per_worker": 10, "concurrent_requests_per_worker": 1}
    resources = {"cpus": "1", "gpus": 0, "memory": "8Gi", "storage": "16Gi"}
    assert listed == {
        "id": endpoint_id,
        "name": NAME,
        "endpoint_type": "async",
        "destination": f"{URL}/v1/{PROJECT}/{MODEL}/predict",
        "bundle_name": MODEL,
        "status": "READY",
        "created_by": PROJECT,
        "created_at": listed["created_at"],
        "last_updated_at": listed["created_at"],
        "post_inference_hooks": ["callback"],
        "default_callback_url": "https://example.com/",
        "labels": {"team": "MY_TEAM", "product": "MY_PRODUCT"},
        "metadata": {},
        "deployment_state": {**workers, "available_workers": 1, "unavailable_workers": 0},
        "resource_state": {**resources, "gpu_type": None, "nodes_per_worker": 1},
    }
    assert launch.listed() == [listed]
    assert launch.default_auth(endpoint_id) == BasicAuth("user", "password")


def test_the_walk_through(launch: Launch, tmp_path: Path) -> None:
    authority = Authority()
    launch.front.policy(webhook_ca=str(authority.write_ca(tmp_path)))
    own, later = mtls(authority, "task"), mtls(authority, "edited")
    with Receiver() as plain, Receiver(tls=authority.server("127.0.0.1", ask_client=True)) as strict:
        endpoint_id = launch.create(default_callback_url=hook(plain))

        first = launch.task(endpoint_id)
        assert launch.status(first) == shown(first, "PENDING")
        assert launch.deliver(first) == DELIVERED
        assert launch.status(first) == shown(first, "SUCCESS", result={"result": 7}, status_code=200)
        (seen,) = plain.seen
        assert json.loads(seen.body) == {"task_id": first, "result": 7}
        assert seen.headers["authorization"] == BASIC

        args = {"x": 3, "y": "hello"}
        second = launch.task(endpoint_id, args=args, callback_url=hook(strict, "/custom"), callback_auth=own)
        assert launch.deliver(second) == DELIVERED
        (custom,) = strict.seen
        assert custom.path == "/custom"
        assert json.loads(custom.body) == {"task_id": second, "result": 8}
        assert custom.peer_certificate == der(own["cert"])
        assert "authorization" not in custom.headers

        launch.edit(endpoint_id, default_callback_auth=later)
        third = launch.task(endpoint_id, callback_url=hook(strict))
        assert launch.deliver(third) == DELIVERED
        assert strict.seen[-1].peer_certificate == der(later["cert"])
        assert len(plain.seen) == 1


def test_what_is_stored_of_a_task(launch: Launch) -> None:
    endpoint_id, custom = launch.create(), "https://example.com/custom"
    first = launch.run(launch.task(endpoint_id))
    second = launch.run(launch.task(endpoint_id, callback_url=custom, callback_auth=mtls(Authority()), args={"x": 3}))
    assert (first.dialect, first.model, first.version, first.run_limit_s) == ("launch", MODEL, 1, 60)
    assert json.loads(first.input) == {"data": {"x": 2, "y": "hello"}, "run_id": first.run_id}
    assert (first.webhook_url, second.webhook_url) == ("https://example.com/", custom)
    kms = launch.front.runs.kms
    assert unseal(kms, first.webhook_auth, PROJECT, first.run_id) == BasicAuth("user", "password")
    assert isinstance(unseal(kms, second.webhook_auth, PROJECT, second.run_id), MtlsAuth)
    assert not first.webhook_default_auth
    assert "password" not in json.dumps(first.to_item())


def test_an_edit_holds_for_the_tasks_after_it(launch: Launch) -> None:
    endpoint_id = launch.create()
    before = launch.run(launch.task(endpoint_id))
    kept = launch.row(endpoint_id).callback_auth
    launch.edit(endpoint_id, default_callback_auth={"kind": "basic", "username": "next", "password": "p"})
    after = launch.run(launch.task(endpoint_id))
    kms, secrets = launch.front.runs.kms, launch.front.stand.services.webhook_secrets
    assert unseal(kms, before.webhook_auth, PROJECT, before.run_id) == BasicAuth("user", "password")
    assert unseal(kms, after.webhook_auth, PROJECT, after.run_id) == BasicAuth("next", "p")
    assert secrets.auth(PROJECT, kept) is None


def test_an_edit_keeps_what_it_leaves_out(launch: Launch) -> None:
    endpoint_id = launch.create()
    (before,) = launch.listed(NAME)
    launch.edit(endpoint_id, max_workers=3, labels=None, high_priority=True)
    (after,) = launch.listed(NAME)
    assert after["deployment_state"] == {**before["deployment_state"], "max_workers": 3}
    for changing in ("deployment_state", "last_updated_at"):
        before.pop(changing), after.pop(changing)
    assert after == before
    assert launch.default_auth(endpoint_id) == BasicAuth("user", "password")
    launch.edit(endpoint_id, post_inference_hooks=[], default_callback_url="https://example.com/b")
    (after,) = launch.listed(NAME)
    assert (after["post_inference_hooks"], after["default_callback_url"]) == ([], "https://example.com/b")


def test_without_the_hook_nothing_is_sent(launch: Launch) -> None:
    with Receiver() as receiver:
        endpoint_id = launch.create(post_inference_hooks=None, default_callback_url=hook(receiver))
        for own in ({}, {"callback_url": hook(receiver)}):
            task = launch.task(endpoint_id, **own)
            assert launch.deliver(task) == "unknown"
            assert launch.status(task)["status"] == "SUCCESS"
            assert (launch.run(task).webhook_url, launch.run(task).webhook_auth) == ("", "")
    assert not receiver.connections


def test_the_task_s_credentials_go_to_the_default_url(launch: Launch) -> None:
    with Receiver() as receiver:
        endpoint_id = launch.create(default_callback_url=hook(receiver), default_callback_auth=None)
        task = launch.task(endpoint_id, callback_auth=CREATE["default_callback_auth"])
        assert launch.deliver(task) == DELIVERED
        plain = launch.task(endpoint_id)
        assert launch.deliver(plain) == DELIVERED
    assert [seen.headers.get("authorization") for seen in receiver.seen] == [BASIC, None]


def test_a_failed_task_is_told_too(launch: Launch) -> None:
    launch.front.runs.play = fail
    with Receiver() as receiver:
        task = launch.task(launch.create(default_callback_url=hook(receiver)))
        assert launch.deliver(task) == DELIVERED
    told = json.loads(receiver.seen[0].body)
    assert told == {"task_id": task, "status": "FAILURE", "traceback": "ValueError: no Look at it."}
    assert launch.status(task) == shown(task, "FAILURE", traceback=told["traceback"], status_code=422)


def test_a_callback_that_fails_is_tried_again(launch: Launch) -> None:
    with Receiver(lambda _: answer(500)) as receiver:
        task = launch.task(launch.create(default_callback_url=hook(receiver)))
        assert launch.deliver(task) == PENDING
    delivery = find_delivery(launch.front.runs.store, PROJECT, task)
    assert delivery
    assert delivery.attempts == 1
    assert launch.front.call("GET", f"/deliveries/{task}").json()["attempts"][0]["status"] == 500
