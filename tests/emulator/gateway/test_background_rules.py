"""Predict calls that ask for a run in a way that is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.emulator.gateway.asked import HOOK, Asked
from tests.support.authority import Authority
from tests.support.bad_urls import BAD_URLS


def refused(asked: Asked, data: Any, **headers: str | None) -> Any:
    """The problem of a call that is not valid."""
    status, _, body = asked.send(data, **headers)
    assert status == 422
    return body


@pytest.mark.parametrize("name", ["queue-limit", "run-limit", "result-ttl"])
@pytest.mark.parametrize("value", ["-1", "0", "1000000000", "soon", "nan", "inf", "1e9", " ", "9" * 400])
def test_limits_out_of_range_are_422(asked: Asked, name: str, value: str) -> None:
    body = refused(asked, [[1]], prefer="respond-async", **{f"x-modelcote-{name}": value})
    assert body["field"] in ("queue_limit_s", "run_limit_s", "result_ttl_s")
    assert asked.stand.open_runs() == 0


def test_idempotency_keys_that_are_none_are_400(asked: Asked) -> None:
    keys = ("", "x" * 256, "caf\u00e9", "a\tb")
    assert [asked.send_async([[1]], idempotency_key=key)[0] for key in keys] == [400] * 4


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


def test_a_webhook_that_is_no_text_is_422(asked: Asked) -> None:
    for url in (None, "", 7, [], {}, True, False):
        assert refused(asked, {"data": 1, "webhook_endpoint": url})["field"] == "webhook_endpoint", url
    assert refused(asked, [[1]], x_modelcote_webhook="", prefer="respond-async")["field"] == "webhook_endpoint"


def bad_credentials() -> list[Any]:
    authority = Authority()
    cert, key = authority.issue("client", client=True)
    old, old_key = authority.issue("client", client=True, expired=True)
    other, _ = authority.issue("other", client=True, key="p384")
    basic = {"kind": "basic", "username": "a", "password": "canary-3"}
    return [
        *({**basic, "username": name} for name in ("a:b", "a\r\nX: y", "", "a" * 256)),
        {**basic, "password": "canary-3\n"},
        {**basic, "cert": cert, "key": key},
        {**basic, "kind": "digest"},
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
        body = refused(asked, {"data": 1, "webhook_endpoint": HOOK, "webhook_auth": auth})
        assert body["field"] == "webhook_auth", auth
        assert not [secret for secret in ("canary-3", "MII", "MIG") if secret in json.dumps(body)]
    assert asked.stand.open_runs() == 0


def test_credentials_without_a_webhook_are_422(asked: Asked) -> None:
    """And they never reach the model."""
    data = {"data": 1, "webhook_auth": {"kind": "basic", "username": "u", "password": "p"}}
    refused(asked, data, prefer="respond-async")
    assert refused(asked, data)["field"] == "webhook_auth"
    refused(asked, [[1]], x_modelcote_webhook_auth="e30")
    refused(asked, [[1]], x_modelcote_webhook=HOOK, x_modelcote_webhook_auth="%%%")
    assert not asked.stand.door.seen


@pytest.mark.parametrize("text", ["[" * 5_000, '{"kind": NaN}', '{"a":1,"a":2}', "{", "", "\udc00"])
def test_credentials_in_a_header_that_are_no_json(asked: Asked, text: str) -> None:
    header = base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()
    body = refused(asked, [[1]], x_modelcote_webhook=HOOK, x_modelcote_webhook_auth=header)
    assert body["field"] == "webhook_auth"
