"""When a call is sent again, and when not; how long somebody who waits bears with a broken network."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from modelcote import Client, model_api_request
from modelcote.core.errors import BackendUnavailable, ModelcoteError, NotFound, RunCanceled, RunExpired, RunNotProcessed
from modelcote.sdk import wire
from modelcote.sdk.config import Target

TARGET = Target("https://api.example", "key", "demo")
RUN_ID = "0" * 32
ENDED = {"run_id": RUN_ID, "state": "SUCCEEDED", "result": 7, "run_time_ms": 1.0, "points": 1, "error": None}
ACCEPTED = {"run_id": RUN_ID, "state": "QUEUED", "webhook_endpoint": None, "message": ""}
Said = httpx.Response | Exception


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(wire.time, "sleep", made.append)
    return made


def saying(*answers: Said) -> tuple[Client, list[httpx.Request]]:
    """A client of a server that says these things in turn, the last one for ever."""
    asked: list[httpx.Request] = []
    return Client(TARGET, transport=httpx.MockTransport(_handler(asked, answers))), asked


def _handler(asked: list[httpx.Request], answers: tuple[Said, ...]) -> Callable[[httpx.Request], httpx.Response]:
    def handle(request: httpx.Request) -> httpx.Response:
        said = answers[min(len(asked), len(answers) - 1)]
        asked.append(request)
        if isinstance(said, Exception):
            raise said
        return httpx.Response(said.status_code, content=said.content)

    return handle


def ok(body: Any = ENDED, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "d", "remedy": "r"})


def test_a_wait_outlasts_a_broken_minute(pauses: list[float]) -> None:
    broken: list[Said] = [httpx.ReadError("x"), httpx.ConnectError("x"), httpx.Response(500), httpx.Response(502)]
    client, asked = saying(*broken, *broken, ok({**ENDED, "state": "RUNNING"}), httpx.ReadTimeout("x"), ok())
    assert client.handle(RUN_ID).result() == 7
    assert len(asked) == 11
    assert sum(pauses) > 20
    assert max(pauses) <= 10


def test_in_the_end_it_is_given_up() -> None:
    for said, kind in ((httpx.Response(502), BackendUnavailable), (httpx.ReadError("x"), BackendUnavailable)):
        client, asked = saying(said)
        with pytest.raises(kind):
            client.handle(RUN_ID).result()
        assert len(asked) == 10


@pytest.mark.parametrize(
    ("said", "times"),
    [
        (httpx.ConnectError("x"), 4),
        (problem(429, "too_many_requests"), 4),
        (problem(503, "backend_unavailable"), 4),
        (httpx.ReadError("x"), 1),
        (httpx.ReadTimeout("x"), 1),
        (problem(500, "internal"), 1),
        (problem(502, "model_crashed"), 1),
        (problem(422, "invalid_input"), 1),
    ],
)
def test_what_may_have_been_done_is_not_done_again(said: Said, times: int) -> None:
    for call in (
        lambda client: client.predict("iris", [[1]]),
        lambda client: client.rotate_webhook_secret(),
        lambda client: client.cancel_run(RUN_ID),
    ):
        client, asked = saying(said)
        with pytest.raises(ModelcoteError):
            call(client)
        assert len(asked) == times


def test_a_missing_run_is_said_at_once() -> None:
    client, asked = saying(problem(404, "not_found"))
    with pytest.raises(NotFound):
        client.handle(RUN_ID).result()
    assert len(asked) == 1


def test_each_submission_has_its_key_and_keeps_it() -> None:
    client, asked = saying(httpx.ReadError("x"), ok(ACCEPTED, 202))
    client.submit("iris", [[1]])
    client.submit("iris", [[1]])
    keys = [request.headers["idempotency-key"] for request in asked]
    assert keys[0] == keys[1] != keys[2]
    assert {request.headers["prefer"] for request in asked} == {"respond-async"}


@pytest.mark.parametrize(
    "endpoint", ["https://api.example/v1/demo/iris/predict", "https://api.example/v3/demo/iris/predict"]
)
def test_model_api_request_follows_a_run(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    asked: list[httpx.Request] = []
    transport = httpx.MockTransport(_handler(asked, (ok(ACCEPTED, 202), ok({**ENDED, "state": "QUEUED"}), ok())))
    monkeypatch.setattr(httpx, "Client", functools.partial(httpx.Client, transport=transport))
    answer = model_api_request(endpoint, [[1]], "key")
    assert (answer["result"], answer["run_id"], len(answer["prediction_ids"])) == (7, RUN_ID, 1)
    assert asked[-1].url.path == f"/v1/projects/demo/runs/{RUN_ID}"


def test_an_acknowledgement_in_the_conduit_dialect_is_the_answer() -> None:
    told = {name: value for name, value in ACCEPTED.items() if name != "state"}
    client, asked = saying(ok(told, 202))
    assert client.predict("iris", {"data": [[1]], "webhook_endpoint": "https://x.example"}) == told
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("state", "code", "error"),
    [
        ("CANCELED", "canceled", RunCanceled),
        ("EXPIRED", "expired", RunExpired),
        ("FAILED", "not_processed", RunNotProcessed),
        ("FAILED", "not_worked_off", RunNotProcessed),  # as rows of an earlier version hold it
    ],
)
def test_a_run_that_ended_badly_raises_what_it_ended_with(state: str, code: str, error: type[ModelcoteError]) -> None:
    ended = {**ENDED, "state": state, "error": {"code": code, "detail": "too late.", "remedy": "r"}}
    client, _ = saying(ok(ended))
    with pytest.raises(error, match="too late") as caught:
        client.handle(RUN_ID).result()
    assert (caught.value.extra["state"], caught.value.extra["run_id"]) == (state, RUN_ID)
    assert json.dumps(caught.value.extra)
