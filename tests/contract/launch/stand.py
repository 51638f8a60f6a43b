"""The launch dialect in front of a model that the test plays, with receivers on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from modelcote.dialects import WEBHOOK_SHAPES
from modelcote.dialects.launch.store import LaunchEndpoint, get_endpoint
from modelcote.flow.result import dumps
from modelcote.runs.records import Run
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth
from modelcote.webhooks.deliver import Deliverer
from tests.contract.control.front import MODEL, Front
from tests.contract.control.stand import PROJECT
from tests.support.receivers import Receiver

NAME = "demo-endpoint-callback"
# As the client of the documented walk-through sends it.
CREATE: dict[str, Any] = {
    "endpoint_type": "async",
    "metadata": {},
    "memory": "8Gi",
    "cpus": 1,
    "max_workers": 1,
    "model_bundle_id": MODEL,
    "min_workers": 1,
    "gpus": 0,
    "name": NAME,
    "per_worker": 10,
    "storage": "16Gi",
    "labels": {"team": "MY_TEAM", "product": "MY_PRODUCT"},
    "post_inference_hooks": ["callback"],
    "high_priority": False,
    "default_callback_url": "https://example.com",
    "default_callback_auth": {"kind": "basic", "username": "user", "password": "password"},
}


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
        assert answer.json().keys() == {"detail"}
        assert "Traceback" not in answer.text
        detail: str = answer.json()["detail"]
        return detail

    def create(self, **changes: Any) -> str:
        """Makes an endpoint; its id."""
        body = {**CREATE, **changes}
        answer = self.call("POST", "/model-endpoints", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == {"endpoint_creation_task_id"}
        (found,) = self.listed(body["name"])
        endpoint_id: str = found["id"]
        return endpoint_id

    def listed(self, name: str | None = None) -> list[dict[str, Any]]:
        """What a list shows."""
        answer = self.call("GET", "/model-endpoints", params={} if name is None else {"name": name})
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["model_endpoints"]
        return rows

    def edit(self, endpoint_id: str, **changes: Any) -> None:
        answer = self.call("PUT", f"/model-endpoints/{endpoint_id}", json=changes)
        assert answer.status_code == 200, answer.text

    def task(self, endpoint_id: str, **body: Any) -> str:
        """Submits a task; its id."""
        sent = {"args": {"x": 2, "y": "hello"}, "return_pickled": False, **body}
        answer = self.call("POST", "/async-tasks", params={"model_endpoint_id": endpoint_id}, json=sent)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == {"task_id"}
        task_id: str = answer.json()["task_id"]
        return task_id

    def status(self, task_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"/async-tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

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
        services = self.front.stand.services
        deliverer = Deliverer(
            self.front.runs.store, services.webhook_secrets, self.front.runs.kms, services.stack, WEBHOOK_SHAPES
        )
        return deliverer.attempt(PROJECT, task_id)

    def policy(self, **changes: Any) -> None:
        self.front.runs.with_policy(**changes)
        self.front.stand.use(runs=self.front.runs.store)


def hook(receiver: Receiver, path: str = "/") -> str:
    return receiver.url_of("127.0.0.1", path)
