"""The launch dialect in front of a model that the test plays, with receivers on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

from modelcote.dialects.launch.store import LaunchEndpoint, get_endpoint
from modelcote.flow.result import dumps
from modelcote.runs.records import Run
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth
from tests.contract.control.front import MODEL, Front
from tests.contract.control.stand import PROJECT
from tests.support.receivers import Receiver

NAME = "demo-endpoint-callback"
NOBODY = "end_" + "0" * 20
CANARY = "hunter2-canary"
BASIC = {"kind": "basic", "username": "user", "password": CANARY}
# As the client of the documented walk-through sends it.
CREATE: dict[str, Any] = {
    "name": NAME, "model_bundle_id": MODEL, "endpoint_type": "async", "metadata": {}, "high_priority": False,
    "min_workers": 1, "max_workers": 1, "per_worker": 10, "cpus": 1, "gpus": 0, "memory": "8Gi", "storage": "16Gi",
    "labels": {"team": "MY_TEAM", "product": "MY_PRODUCT"},
    "post_inference_hooks": ["callback"],
    "default_callback_url": "https://example.com",
    "default_callback_auth": {"kind": "basic", "username": "user", "password": "password"},
}  # fmt: skip


def add(data: Any) -> bytes:
    """A model that returns one value: x and the length of y."""
    return dumps({"result": [data["x"] + len(data["y"])], "run_time_ms": 1.5, "points": 1})


@dataclass
class Launch:
    """A client of the dialect, and the API behind it."""

    front: Front

    def call(self, method: str, path: str, *, key: str | None = "", **options: Any) -> httpx.Response:
        """A call with that key (by default one with all scopes, or none)."""
        auth = None if key is None else (key or self.front.stand.keys["all"], "")
        answer = self.front.stand.http.request(method, f"/v1{path}", auth=auth, **options)
        assert answer.headers["x-request-id"]
        return answer

    def refused(self, status: int, method: str, path: str, **options: Any) -> str:
        """The detail of a refusal."""
        answer = self.call(method, path, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert "Traceback" not in answer.text
        (member,) = answer.json().items()
        assert member[0] == "detail"
        return str(member[1])

    def task_refused(self, status: int, endpoint_id: str, body: Any = None, kind: str = "async", **options: Any) -> str:
        """The detail of a task's refusal."""
        sent = json.dumps({"args": {}} if body is None else body)
        return self.refused(status, "POST", f"/{kind}-tasks?model_endpoint_id={endpoint_id}", content=sent, **options)

    def ok(self, method: str, path: str, **options: Any) -> Any:
        answer = self.call(method, path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, **changes: Any) -> str:
        """Makes an endpoint; its id."""
        body = {**CREATE, **changes}
        assert self.ok("POST", "/model-endpoints", json=body).keys() == {"endpoint_creation_task_id"}
        (found,) = self.listed(body["name"])
        return str(found["id"])

    def listed(self, name: str | None = None) -> list[dict[str, Any]]:
        """What a list shows."""
        shown = self.ok("GET", "/model-endpoints", params={} if name is None else {"name": name})
        return list(shown["model_endpoints"])

    def edit(self, endpoint_id: str, **changes: Any) -> None:
        self.ok("PUT", f"/model-endpoints/{endpoint_id}", json=changes)

    def task(self, endpoint_id: str, *, key: str = "", **body: Any) -> str:
        """Submits a task; its id."""
        sent = {"args": {"x": 2, "y": "hello"}, "return_pickled": False, **body}
        made = self.ok("POST", "/async-tasks", params={"model_endpoint_id": endpoint_id}, json=sent, key=key)
        assert made.keys() == {"task_id"}
        return str(made["task_id"])

    def status(self, task_id: str) -> Any:
        return self.ok("GET", f"/async-tasks/{task_id}")

    def run(self, task_id: str) -> Run:
        """The task's run as it is stored."""
        return self.front.runs.run(task_id)

    def row(self, endpoint_id: str) -> LaunchEndpoint:
        return get_endpoint(self.front.stand.registry.table, PROJECT, endpoint_id)

    def default_auth(self, endpoint_id: str) -> BasicAuth | MtlsAuth | None:
        """The endpoint's default credentials as they are kept."""
        return self.front.stand.services.webhook_secrets.auth(PROJECT, self.row(endpoint_id).callback_auth)

    def deliver(self, task_id: str) -> str:
        """Works the task off, and makes an attempt at its delivery."""
        self.front.runs.drain()
        return self.front.deliverer.attempt(PROJECT, task_id)


def shown(task_id: str, status: str, **members: Any) -> dict[str, Any]:
    """A task as it is shown."""
    return {"task_id": task_id, "status": status, "result": None, "traceback": None, "status_code": None, **members}


def hook(receiver: Receiver, path: str = "/") -> str:
    return receiver.url_of("127.0.0.1", path)
