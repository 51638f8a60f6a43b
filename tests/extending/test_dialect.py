"""A new dialect: its routes, errors, webhooks and paths that predict are in this file alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import APIRouter

from modelcote.control.app import create_app, openapi_document
from modelcote.control.auth import CallerDep, ServicesDep
from modelcote.control.dialect import Dialect, Surface
from modelcote.core.errors import ModelcoteError
from modelcote.dialects import DIALECTS
from modelcote.gateway.request import Data, Request
from modelcote.gateway.routes import PredictRoute, RunForm
from modelcote.registry import models
from modelcote.runs.records import Delivery, Run
from modelcote.webhooks.deliver import Deliverer
from modelcote.webhooks.transport import Outgoing, Received
from tests.contract.conftest import front, stand
from tests.contract.control.front import HOOK, MODEL, Front
from tests.contract.control.stand import PROJECT, URL, Stand
from tests.support.asgi import AppTransport
from tests.support.emulator import aws, emulator, registry
from tests.support.events import predict_event

__all__ = ["aws", "emulator", "front", "registry", "stand"]

router = APIRouter()


@router.get("/toy/models")
def list_names(caller: CallerDep, services: ServicesDep) -> list[str]:
    """List the names of the models."""
    return [row.name for row in models.all_of(services.registry, caller.project)]


def problem(error: ModelcoteError, _request_id: str) -> dict[str, Any]:
    return {"oops": error.code}


def webhook_body(_delivery: Delivery, run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    return {"ended": run.run_id, **result}


def read(request: Request) -> Data:
    rows = json.loads(request.text)["rows"]
    return Data(rows, json.dumps(rows).encode(), b"", request.text.encode())


def write(answer: bytes, _run_id: str) -> str:
    return json.dumps({"answers": json.loads(answer)["result"]})


def accepted(run: Run) -> dict[str, Any]:
    return {"ticket": run.run_id}


TOY = Dialect(
    "toy",
    lambda: [router],
    lambda path: path.startswith("/toy/"),
    Surface(problem, "application/json", "Toy", {"toy": {"type": "http", "scheme": "toy"}}),
    webhook_body,
    (PredictRoute("/toy/{project}/{model}", read, write, RunForm("toy", accepted)),),
)


def test_its_route_errors_and_description(stand: Stand) -> None:
    stand.deploy(MODEL)
    dialects = (*DIALECTS, TOY)
    app = create_app(stand.services, dialects, lambda *_, **__: None)
    with httpx.Client(transport=AppTransport(app), base_url=URL) as http:
        headers = {"authorization": stand.keys["deploy"]}
        assert http.get("/toy/models", headers=headers).json() == [MODEL]
        for status, answer in ((401, http.get("/toy/models")), (404, http.get("/toy/none", headers=headers))):
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
            assert answer.json() == {"oops": {401: "unauthorized", 404: "not_found"}[status]}
            assert answer.headers.get("www-authenticate") == {401: "Toy"}.get(status)
        assert http.get("/v1/none", headers=headers).json()["code"] == "not_found"
    document = openapi_document(dialects)
    assert document["paths"]["/toy/models"]["get"]["security"] == [{"toy": []}]
    assert "toy" in document["components"]["securitySchemes"]


def test_its_path_predicts_and_its_run_ends_with_its_webhook(front: Front) -> None:
    gateway, services, sent = front.gateway, front.stand.services, list[Outgoing]()
    gateway.routes = (*gateway.routes, *TOY.predict)

    def call(**headers: str | None) -> dict[str, Any]:
        event = predict_event(b'{"rows": [[1, 2]]}', path=f"/toy/{PROJECT}/{MODEL}", headers=headers)
        answer: dict[str, Any] = json.loads(gateway.answer(event)["body"])
        return answer

    headers: dict[str, str | None] = {"authorization": front.stand.keys["predict"]}
    assert call(**headers) == {"answers": [[2, 4]]}
    ticket = call(**headers, prefer="respond-async", **{"x-modelcote-webhook": HOOK})["ticket"]
    front.runs.drain()

    def send(outgoing: Outgoing) -> Received:
        sent.append(outgoing)
        return Received(200, None, b"", None, 1.0)

    shapes = {TOY.name: TOY.webhook_body}
    deliverer = Deliverer(front.runs.store, services.webhook_secrets, front.runs.kms, services.stack, shapes)
    assert deliverer.attempt(PROJECT, ticket, send) == "DELIVERED"
    assert json.loads(sent[0].body) == {"ended": ticket, "result": [[2, 4]]}
