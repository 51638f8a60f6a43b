"""Predict calls that become runs: how they are requested, how they are answered, and what is refused."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from modelcote.aws.table import Table
from modelcote.core.runs import FAST, LONG, QUEUED, RUNNING, SUCCEEDED
from modelcote.runs.answers import head
from modelcote.runs.endings import settle_notice
from modelcote.runs.records import run_key
from modelcote.webhooks.credentials import BasicAuth
from modelcote.webhooks.seal import unseal
from tests.emulator.gateway.asked import HOOK, Asked
from tests.support.runs_stand import PROJECT, double
from tests.support.waiting import until


def test_the_conduit_way(asked: Asked) -> None:
    status, headers, body = asked.send({"data": [[1, 2]], "webhook_endpoint": HOOK})
    assert status == 202
    assert body == {
        "run_id": body["run_id"],
        "webhook_endpoint": HOOK,
        "message": "We will return the output to the endpoint provided when the task is complete.",
    }
    run = asked.stand.run(body["run_id"])
    assert (run.dialect, run.webhook_url, run.state, run.lane) == ("conduit", HOOK, QUEUED, FAST)
    assert json.loads(run.input)["data"] == {"data": [[1, 2]]}
    assert headers["location"] == f"/v1/projects/{PROJECT}/runs/{run.run_id}"


def test_prefer_respond_async(asked: Asked) -> None:
    status, headers, body = asked.send([[1, 2]], prefer="respond-async, wait=5")
    assert (status, body["state"], headers["preference-applied"]) == (202, QUEUED, "respond-async")
    asked.stand.drain()
    ended = asked.stand.run(body["run_id"])
    assert (ended.dialect, asked.stand.result(ended)) == ("native", [[2, 4]])


def test_prefer_or_the_header_with_a_webhook_in_the_body_is_the_native_shape(asked: Asked) -> None:
    for headers in ({"prefer": "respond-async"}, {"x_modelcote_webhook": HOOK}):
        assert asked.run({"data": 1, "webhook_endpoint": HOOK}, **headers).dialect == "native"


def test_a_webhook_in_a_header_for_a_bare_list(asked: Asked) -> None:
    auth = base64.urlsafe_b64encode(b'{"kind":"basic","username":"u","password":"canary-1"}').decode().rstrip("=")
    run = asked.run([[1]], x_modelcote_webhook=HOOK, x_modelcote_webhook_auth=auth)
    assert (run.dialect, run.webhook_url) == ("native", HOOK)
    assert unseal(asked.stand.kms, run.webhook_auth, PROJECT, run.run_id) == BasicAuth("u", "canary-1")


def test_a_callbacks_credentials_are_nowhere_to_be_read(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    auth = {"kind": "basic", "username": "u", "password": "canary-2"}
    _, headers, body = asked.send({"data": 1, "webhook_endpoint": HOOK, "webhook_auth": auth})
    row = asked.stand.store.table.get(*run_key(PROJECT, body["run_id"]))
    messages = asked.stand.messages()
    assert messages
    for place in (row, messages, body, headers, capsys.readouterr().out):
        assert "canary-2" not in json.dumps(place)


def test_a_model_whose_mode_is_async(asked: Asked) -> None:
    asked.model(mode="async")
    status, _, body = asked.send([[1]])
    assert (status, body["state"]) == (202, QUEUED)


def test_the_models_own_webhook(asked: Asked) -> None:
    asked.model(webhook_url=HOOK, webhook_auth="basic")
    others = ["https://hooks.example.com/other", "https://elsewhere.example.com/"]
    data = [[[1]], *({"data": 1, "webhook_endpoint": url} for url in others)]
    runs = [asked.run(each, prefer="respond-async") for each in data]
    assert [run.webhook_url for run in runs] == [HOOK, *others]
    # The model's credentials go to the model's own receiver, not to whichever a caller names.
    assert [run.webhook_default_auth for run in runs] == [True, True, False]


def test_the_limits_of_a_run(asked: Asked) -> None:
    limits = {"queue_limit": "120", "run_limit": "30", "result_ttl": "86401"}
    headers = {f"x_modelcote_{name}": value for name, value in limits.items()}
    run = asked.run([[1]], prefer="respond-async", **headers)
    assert run.queue_until_s - run.created_at_s == pytest.approx(120)
    assert (run.run_limit_s, run.result_ttl_s, run.keep_days) == (30, 86_401, 7)


def test_a_model_with_a_long_timeout_is_the_long_lanes(asked: Asked) -> None:
    asked.model(timeout_s=600)
    assert asked.run([[1]], prefer="respond-async").lane == LONG
    assert asked.run([[1]], prefer="respond-async", x_modelcote_run_limit="60").lane == FAST


def test_an_idempotency_key(asked: Asked) -> None:
    first, again, (status, _, body) = (
        asked.send_async(data, idempotency_key="x" * 255) for data in ([[1]], [[1]], [[2]])
    )
    assert first[2] == again[2]
    assert (status, body["field"]) == (422, "Idempotency-Key")


def test_a_flood_is_429(asked: Asked) -> None:
    asked.policy(open_runs=3)
    answers = [asked.send_async([[1]]) for _ in range(6)]
    assert [status for status, _, _ in answers] == [202] * 3 + [429] * 3
    assert int(answers[-1][1]["retry-after"]) >= 1


def test_the_model_gets_the_numbers_as_they_were_sent(asked: Asked) -> None:
    """Beyond 64 bits too, where a fast parser makes floats of them."""
    data = {"id": 12345678901234567890123, "x": 1.1}
    assert json.loads(asked.run({**data, "webhook_endpoint": HOOK}).input)["data"] == data


def test_text_keeps_its_length(asked: Asked) -> None:
    assert '{"text":"日本"}' in asked.run({"text": "日本", "webhook_endpoint": HOOK}).input


def test_a_full_project_stores_no_inputs(asked: Asked) -> None:
    asked.policy(open_runs=1)
    large = [[number] for number in range(1_000)]
    assert [asked.send_async(large)[0] for _ in range(5)] == [202, 429, 429, 429, 429]
    stored = asked.stand.store.s3.list_objects_v2(Bucket=asked.stand.store.bucket, Prefix="inputs/")
    # The first refusal finds the project full; those after it know.
    assert stored["KeyCount"] == 2


@pytest.fixture
def released(asked: Asked) -> Iterator[threading.Event]:
    """A model that answers once this is set, and a gateway that waits for a fifth of a second."""
    event = threading.Event()

    def held(data: Any) -> bytes:
        event.wait(60)
        return double(data)

    asked.stand.play = held
    asked.policy(sync_wait_s=0.2, retry_after_s=0)
    yield event
    event.set()


def test_a_call_that_outlasts_the_gateway_becomes_a_run(asked: Asked, released: threading.Event) -> None:
    """Its result is the one that was being computed."""
    status, headers, body = asked.send([[1, 2]])
    assert (status, body["state"]) == (202, RUNNING)
    assert headers["location"].endswith(body["run_id"])
    assert asked.stand.open_runs() == 1
    run = asked.stand.run(body["run_id"])
    released.set()
    key = run.result_object(1)
    assert key.startswith("detached/")
    until(lambda: head(asked.stand.store, key))
    notice = json.dumps({"Records": [{"s3": {"object": {"key": key}}}]})
    assert settle_notice(asked.stand.store, notice) == [run.run_id]
    ended = asked.stand.run(run.run_id)
    assert (ended.state, ended.attempt) == (SUCCEEDED, 1)
    assert asked.stand.result(ended) == [[2, 4]]
    assert asked.stand.calls == {run.run_id: 1}
    assert asked.stand.open_runs() == 0


def test_a_detached_call_whose_notice_was_lost_is_found_by_the_watchdog(
    asked: Asked, released: threading.Event
) -> None:
    run = asked.run([[1]])
    released.set()
    until(lambda: head(asked.stand.store, run.result_object(1)))
    asked.stand.later(1)
    assert asked.stand.watch() == {"completed": 1}
    assert asked.stand.run(run.run_id).state == SUCCEEDED


def test_a_detached_call_whose_model_died_is_computed_again(asked: Asked, released: threading.Event) -> None:
    def die(_: bytes) -> tuple[int, dict[str, str], bytes]:
        released.wait(60)
        return 0, {}, b""

    asked.stand.door.reply = die
    run = asked.run([[1]])
    released.set()
    asked.stand.door.reply = asked.stand.reply
    asked.stand.later(91)
    assert asked.stand.watch() == {"released": 1}
    asked.stand.drain()
    ended = asked.stand.run(run.run_id)
    assert (ended.state, ended.attempt) == (SUCCEEDED, 2)


def test_a_table_that_cannot_be_written_is_503(asked: Asked) -> None:
    asked.stand.light = replace(asked.stand.light, table=Table(asked.stand.light.table.client, "no-such-table"))
    assert asked.send_async([[1]])[0] == 503
