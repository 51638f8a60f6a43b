"""When a call is retried, and when not; how long a waiting caller tolerates a broken network."""

from __future__ import annotations

import functools
import json
from typing import Any

import httpx
import pytest

from modelcote import Client, model_api_request
from modelcote.core.errors import (
    BackendUnavailable,
    ModelcoteError,
    NotFound,
    RunCanceled,
    RunExpired,
    RunNotProcessed,
)
from modelcote.sdk import wire
from modelcote.sdk.config import Target

TARGET = Target("https://api.example", "key", "demo")
RUN_ID = "0" * 32
ENDED = {"run_id": RUN_ID, "state": "SUCCEEDED", "result": 7, "run_time_ms": 1.0, "points": 1, "error": None}
ACCEPTED = {"run_id": RUN_ID, "state": "QUEUED", "webhook_endpoint": None, "message": ""}
Reply = httpx.Response | Exception


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(wire.time, "sleep", seconds.append)
    return seconds


def serving(*answers: Reply) -> tuple[Client, list[httpx.Request]]:
    """Return a client of a server that sends these answers in turn, the last one for ever."""
    transport, requests = answering(*answers)
    return Client(TARGET, transport=transport), requests


def answering(*answers: Reply) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        reply = answers[min(len(requests), len(answers) - 1)]
        requests.append(request)
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, content=reply.content)

    return httpx.MockTransport(handle), requests


def ok(body: Any = ENDED, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "d", "remedy": "r"})


def test_a_wait_outlasts_a_broken_minute(pauses: list[float]) -> None:
    broken: list[Reply] = [httpx.ReadError("x"), httpx.ConnectError("x"), httpx.Response(500), httpx.Response(502)]
    client, requests = serving(*broken, *broken, ok({**ENDED, "state": "RUNNING"}), httpx.ReadTimeout("x"), ok())
    assert client.handle(RUN_ID).result() == 7
    assert len(requests) == 11
    assert sum(pauses) > 20
    assert max(pauses) <= 10


def test_waiting_gives_up_after_ten_attempts() -> None:
    for reply in (httpx.Response(502), httpx.ReadError("x")):
        client, requests = serving(reply)
        with pytest.raises(BackendUnavailable):
            client.handle(RUN_ID).result()
        assert len(requests) == 10


@pytest.mark.parametrize(
    ("reply", "times"),
    [
        *((reply, 4) for reply in (httpx.ConnectError("x"), problem(429, "too_many_requests"))),
        (problem(503, "backend_unavailable"), 4),
        *((reply, 1) for reply in (httpx.ReadError("x"), httpx.ReadTimeout("x"), problem(500, "internal"))),
        (problem(502, "model_crashed"), 1),
        (problem(422, "invalid_input"), 1),
    ],
)
def test_only_calls_that_are_safe_to_repeat_are_retried(reply: Reply, times: int) -> None:
    for call in (
        lambda client: client.predict("iris", [[1]]),
        lambda client: client.rotate_webhook_secret(),
        lambda client: client.cancel_run(RUN_ID),
    ):
        client, requests = serving(reply)
        with pytest.raises(ModelcoteError):
            call(client)
        assert len(requests) == times


def test_a_missing_run_raises_at_once() -> None:
    client, requests = serving(problem(404, "not_found"))
    with pytest.raises(NotFound):
        client.handle(RUN_ID).result()
    assert len(requests) == 1


def test_each_submission_has_its_key_and_keeps_it() -> None:
    client, requests = serving(httpx.ReadError("x"), ok(ACCEPTED, 202))
    client.submit("iris", [[1]])
    client.submit("iris", [[1]])
    keys = [request.headers["idempotency-key"] for request in requests]
    assert keys[0] == keys[1] != keys[2]
    assert {request.headers["prefer"] for request in requests} == {"respond-async"}


@pytest.mark.parametrize(
    "endpoint", ["https://api.example/v1/demo/iris/predict", "https://api.example/v3/demo/iris/predict"]
)
def test_model_api_request_follows_a_run(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    transport, requests = answering(ok(ACCEPTED, 202), ok({**ENDED, "state": "QUEUED"}), ok())
    monkeypatch.setattr(httpx, "Client", functools.partial(httpx.Client, transport=transport))
    answer = model_api_request(endpoint, [[1]], "key")
    assert (answer["result"], answer["run_id"], len(answer["prediction_ids"])) == (7, RUN_ID, 1)
    assert requests[-1].url.path == f"/v1/projects/demo/runs/{RUN_ID}"


def test_an_acknowledgement_in_the_conduit_dialect_is_the_answer() -> None:
    acknowledgement = {name: value for name, value in ACCEPTED.items() if name != "state"}
    client, requests = serving(ok(acknowledgement, 202))
    assert client.predict("iris", {"data": [[1]], "webhook_endpoint": "https://x.example"}) == acknowledgement
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("state", "code", "error"),
    [
        ("CANCELED", "canceled", RunCanceled),
        ("EXPIRED", "expired", RunExpired),
        ("FAILED", "not_processed", RunNotProcessed),
        ("FAILED", "not_worked_off", RunNotProcessed),  # as rows of an earlier version hold it
    ],
)
def test_a_run_that_did_not_succeed_raises_its_error(state: str, code: str, error: type[ModelcoteError]) -> None:
    ended = {**ENDED, "state": state, "error": {"code": code, "detail": "too late.", "remedy": "r"}}
    client, _ = serving(ok(ended))
    with pytest.raises(error, match="too late") as caught:
        client.handle(RUN_ID).result()
    assert (caught.value.extra["state"], caught.value.extra["run_id"]) == (state, RUN_ID)
    assert json.dumps(caught.value.extra)


def test_an_unknown_option_raises_before_anything_is_sent() -> None:
    client, requests = serving(ok())
    with pytest.raises(TypeError, match="webhok"):
        client.submit("iris", [[1]], webhok="https://x.example")
    for listing in (client.runs, client.deliveries):
        with pytest.raises(TypeError, match="modle"):
            listing(modle="iris")
    assert requests == []
