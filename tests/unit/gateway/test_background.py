"""Predict calls that become runs: how they are asked for, what they are answered, and what is refused."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from modelcote.aws.http import aws_client
from modelcote.core.runs import FAST, LONG, QUEUED, RUNNING, SUCCEEDED
from modelcote.dialects import PREDICT_ROUTES
from modelcote.gateway.background import Background
from modelcote.gateway.dispatch import Gateway
from modelcote.gateway.registry_cache import ItemReader, RegistryCache
from modelcote.identity import keys
from modelcote.registry import models
from modelcote.registry.store import Registry
from modelcote.runs.arrival import settle_arrival
from modelcote.runs.objects import head
from modelcote.runs.records import run_key
from modelcote.webhooks.credentials import BasicAuth
from modelcote.webhooks.seal import unseal
from tests.support.bad_urls import BAD_URLS
from tests.support.events import predict_event
from tests.support.receivers import Authority
from tests.support.runs_stand import MODEL, PROJECT, RunsStand, double, runs_standing
from tests.support.waiting import until
from tests.unit.gateway.stand import make_ready

HOOK = "https://hooks.example.com/done"


class Asked:
    """A gateway before a runs stand."""

    def __init__(self, stand: RunsStand, key: str) -> None:
        self.stand = stand
        self.key = key
        self.door = aws_client("dynamodb")
        self.reset()

    def reset(self) -> None:
        """A new process of the gateway, with the policy as it is now."""
        policy = self.stand.store.policy
        cache = RegistryCache(ItemReader(self.door, self.stand.registry.table.name).get, policy.registry_cache_s)
        background = Background(self.stand.light, self.stand.light_kms, self.stand.key_arn)
        self.gateway = Gateway(PREDICT_ROUTES, cache, self.stand.backends.invoke, lambda: background, policy)

    def send(self, data: Any, **headers: str | None) -> tuple[int, dict[str, str], Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        event = predict_event(json.dumps(data).encode(), key=self.key, headers=named)
        answer = self.gateway.answer(event)
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])


@pytest.fixture
def asked(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    models.ensure_project(registry, PROJECT)
    _, key = keys.create(registry.table, PROJECT, "test", ["predict"])
    make_ready(registry)
    with runs_standing(registry, monkeypatch) as stand:
        made = Asked(stand, key)
        yield made
        made.door.close()


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
    assert asked.stand.run(body["run_id"]).dialect == "native"
    asked.stand.drain()
    assert asked.stand.result(asked.stand.run(body["run_id"])) == [[2, 4]]


def test_prefer_with_a_webhook_in_the_body_is_the_native_shape(asked: Asked) -> None:
    _, _, body = asked.send({"data": 1, "webhook_endpoint": HOOK}, prefer="respond-async")
    assert asked.stand.run(body["run_id"]).dialect == "native"


def test_a_webhook_in_a_header_for_a_bare_list(asked: Asked) -> None:
    auth = base64.urlsafe_b64encode(b'{"kind":"basic","username":"u","password":"canary-1"}').decode().rstrip("=")
    _, _, body = asked.send([[1]], x_modelcote_webhook=HOOK, x_modelcote_webhook_auth=auth)
    run = asked.stand.run(body["run_id"])
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


def test_a_model_whose_mode_is_async(asked: Asked, registry: Registry) -> None:
    registry.table.update((f"P#{PROJECT}", f"MODEL#{MODEL}"), {"mode": "async"})
    asked.reset()
    status, _, body = asked.send([[1]])
    assert (status, body["state"]) == (202, QUEUED)


def test_the_models_own_webhook(asked: Asked, registry: Registry) -> None:
    registry.table.update((f"P#{PROJECT}", f"MODEL#{MODEL}"), {"webhook_url": HOOK, "webhook_auth": "basic"})
    asked.reset()
    runs = [
        asked.stand.run(asked.send(data, prefer="respond-async")[2]["run_id"])
        for data in (
            [[1]],
            {"data": 1, "webhook_endpoint": "https://hooks.example.com/other"},
            {"data": 1, "webhook_endpoint": "https://elsewhere.example.com/"},
        )
    ]
    assert [run.webhook_url for run in runs] == [
        HOOK, "https://hooks.example.com/other", "https://elsewhere.example.com/",
    ]  # fmt: skip
    # The model's credentials go to the model's own receiver, not to whichever a caller names.
    assert [run.webhook_default_auth for run in runs] == [True, True, False]


def test_the_limits_of_a_run(asked: Asked) -> None:
    _, _, body = asked.send(
        [[1]],
        prefer="respond-async",
        x_modelcote_queue_limit="120",
        x_modelcote_run_limit="30",
        x_modelcote_result_ttl="86401",
    )
    run = asked.stand.run(body["run_id"])
    assert run.queue_until_s - run.created_at_s == pytest.approx(120)
    assert (run.run_limit_s, run.result_ttl_s, run.keep_days) == (30, 86_401, 7)


def test_a_model_with_a_long_timeout_is_the_long_lanes(asked: Asked, registry: Registry) -> None:
    registry.table.update((f"P#{PROJECT}", f"MODEL#{MODEL}"), {"timeout_s": 600})
    asked.reset()
    _, _, body = asked.send([[1]], prefer="respond-async")
    assert asked.stand.run(body["run_id"]).lane == LONG
    _, _, body = asked.send([[1]], prefer="respond-async", x_modelcote_run_limit="60")
    assert asked.stand.run(body["run_id"]).lane == FAST


@pytest.mark.parametrize("name", ["queue-limit", "run-limit", "result-ttl"])
@pytest.mark.parametrize("value", ["-1", "0", "1000000000", "soon", "nan", "inf", "1e9", " ", "9" * 400])
def test_limits_out_of_range_are_422(asked: Asked, name: str, value: str) -> None:
    status, _, body = asked.send([[1]], prefer="respond-async", **{f"x_modelcote_{name.replace('-', '_')}": value})
    assert status == 422
    assert body["field"] in ("queue_limit_s", "run_limit_s", "result_ttl_s")
    assert asked.stand.open_runs() == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb"])
def test_idempotency_keys_that_are_none_are_400(asked: Asked, key: str) -> None:
    assert asked.send([[1]], prefer="respond-async", idempotency_key=key)[0] == 400


def test_an_idempotency_key(asked: Asked) -> None:
    first = asked.send([[1]], prefer="respond-async", idempotency_key="x" * 255)[2]
    assert asked.send([[1]], prefer="respond-async", idempotency_key="x" * 255)[2] == first
    status, _, body = asked.send([[2]], prefer="respond-async", idempotency_key="x" * 255)
    assert (status, body["field"]) == (422, "Idempotency-Key")


def test_a_flood_is_429(asked: Asked) -> None:
    asked.stand.with_policy(open_runs=3)
    asked.reset()
    statuses = [asked.send([[1]], prefer="respond-async")[0] for _ in range(6)]
    assert statuses == [202] * 3 + [429] * 3
    _, headers, _ = asked.send([[1]], prefer="respond-async")
    assert int(headers["retry-after"]) >= 1


def test_every_bad_url_is_422_and_accepts_nothing(asked: Asked) -> None:
    assert len(BAD_URLS) >= 200
    for url, why in BAD_URLS:
        status, _, body = asked.send({"data": 1, "webhook_endpoint": url})
        # What is not even JSON in UTF-8 (a lone surrogate) is refused as that.
        assert (status, body["code"], body.get("field")) in (
            (422, "invalid", "webhook_endpoint"),
            (400, "malformed_json", None),
        ), (url, why, body)
    assert asked.stand.open_runs() == 0
    assert not asked.stand.messages()


@pytest.mark.parametrize("url", [None, "", 7, [], {}, True, False])
def test_a_webhook_that_is_no_text_is_422(asked: Asked, url: Any) -> None:
    status, _, body = asked.send({"data": 1, "webhook_endpoint": url})
    assert (status, body["field"]) == (422, "webhook_endpoint")


def bad_credentials() -> list[Any]:
    authority = Authority()
    cert, key = authority.issue("client", client=True)
    old, old_key = authority.issue("client", client=True, expired=True)
    other, _ = authority.issue("other", client=True, key="p384")
    return [
        {"kind": "basic", "username": "a:b", "password": "canary-3"},
        {"kind": "basic", "username": "a\r\nX: y", "password": "canary-3"},
        {"kind": "basic", "username": "a", "password": "canary-3\n"},
        {"kind": "basic", "username": "", "password": "canary-3"},
        {"kind": "basic", "username": "a" * 256, "password": "canary-3"},
        {"kind": "basic", "username": "a", "password": "canary-3", "cert": cert, "key": key},
        {"kind": "digest", "username": "a", "password": "canary-3"},
        {"kind": "mtls", "cert": cert, "key": key + "x" * 1_000_000},
        {"kind": "mtls", "cert": other, "key": key},
        {"kind": "mtls", "cert": old, "key": old_key},
        {"kind": "mtls", "cert": "canary-3", "key": key},
        {"kind": "mtls", "cert": cert},
        {"username": "a", "password": "canary-3"},
        "canary-3",
        [],
        7,
    ]


def test_credentials_that_are_none_are_422_and_not_repeated(asked: Asked) -> None:
    for auth in bad_credentials():
        status, _, body = asked.send({"data": 1, "webhook_endpoint": HOOK, "webhook_auth": auth})
        assert (status, body["field"]) == (422, "webhook_auth"), auth
        assert "canary-3" not in json.dumps(body)
        assert "MII" not in json.dumps(body)
        assert "MIG" not in json.dumps(body)
    assert asked.stand.open_runs() == 0


def test_credentials_without_a_webhook_are_422(asked: Asked) -> None:
    auth = {"kind": "basic", "username": "u", "password": "p"}
    assert asked.send({"data": 1, "webhook_auth": auth}, prefer="respond-async")[0] == 422
    assert asked.send([[1]], x_modelcote_webhook=HOOK, x_modelcote_webhook_auth="%%%")[0] == 422


def test_credentials_alone_never_reach_the_model(asked: Asked) -> None:
    auth = {"kind": "basic", "username": "u", "password": "canary-4"}
    status, _, body = asked.send({"data": 1, "webhook_auth": auth})
    assert (status, body["field"]) == (422, "webhook_auth")
    assert asked.send([[1]], x_modelcote_webhook_auth="e30")[0] == 422
    assert not asked.stand.door.seen


def test_an_empty_webhook_header_is_not_no_webhook(asked: Asked) -> None:
    status, _, body = asked.send([[1]], x_modelcote_webhook="", prefer="respond-async")
    assert (status, body["field"]) == (422, "webhook_endpoint")


@pytest.mark.parametrize("text", ["[" * 5_000, '{"kind": NaN}', '{"a":1,"a":2}', "{", "", "\udc00"])
def test_credentials_in_a_header_that_are_no_json(asked: Asked, text: str) -> None:
    header = base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()
    status, _, body = asked.send([[1]], x_modelcote_webhook=HOOK, x_modelcote_webhook_auth=header)
    assert (status, body["field"]) == (422, "webhook_auth")


def test_the_model_gets_the_numbers_as_they_were_sent(asked: Asked) -> None:
    """Beyond 64 bits too, where a fast parser makes floats of them."""
    _, _, body = asked.send({"id": 12345678901234567890123, "x": 1.1, "webhook_endpoint": HOOK})
    assert json.loads(asked.stand.run(body["run_id"]).input)["data"] == {"id": 12345678901234567890123, "x": 1.1}


def test_a_full_project_stores_no_inputs(asked: Asked) -> None:
    asked.stand.with_policy(open_runs=1)
    asked.reset()
    large = [[number] for number in range(1_000)]
    assert [asked.send(large, prefer="respond-async")[0] for _ in range(5)] == [202, 429, 429, 429, 429]
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
    asked.stand.with_policy(sync_wait_s=0.2, retry_after_s=0)
    asked.reset()
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
    assert settle_arrival(asked.stand.store, notice) == [run.run_id]
    ended = asked.stand.run(run.run_id)
    assert (ended.state, ended.attempt) == (SUCCEEDED, 1)
    assert asked.stand.result(ended) == [[2, 4]]
    assert asked.stand.calls == {run.run_id: 1}
    assert asked.stand.open_runs() == 0


def test_a_detached_call_whose_notice_was_lost_is_found_by_the_watchdog(
    asked: Asked, released: threading.Event
) -> None:
    _, _, body = asked.send([[1]])
    released.set()
    until(lambda: head(asked.stand.store, asked.stand.run(body["run_id"]).result_object(1)))
    asked.stand.later(1)
    assert asked.stand.watch() == {"completed": 1}
    assert asked.stand.run(body["run_id"]).state == SUCCEEDED


def test_a_detached_call_whose_model_died_is_computed_again(asked: Asked, released: threading.Event) -> None:
    def die(_: bytes) -> tuple[int, dict[str, str], bytes]:
        released.wait(60)
        return 0, {}, b""

    asked.stand.door.reply = die
    _, _, body = asked.send([[1]])
    released.set()
    asked.stand.door.reply = asked.stand.reply
    asked.stand.later(91)
    assert asked.stand.watch() == {"released": 1}
    asked.stand.drain()
    ended = asked.stand.run(body["run_id"])
    assert (ended.state, ended.attempt) == (SUCCEEDED, 2)


def test_a_table_that_cannot_be_written_is_503(asked: Asked) -> None:
    asked.stand.light = replace(asked.stand.light, table=replace_client(asked.stand))
    asked.reset()
    assert asked.send([[1]], prefer="respond-async")[0] == 503


def replace_client(stand: RunsStand) -> Any:
    from modelcote.aws.table import Table

    return Table(stand.light.table.client, "no-such-table")
