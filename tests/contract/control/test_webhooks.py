"""Signing secrets and the models' own webhooks: shown once or never, and nothing invalid is accepted."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from modelcote.registry import models
from modelcote.registry.records import model_key
from modelcote.webhooks.credentials import BasicAuth
from tests.contract.control.front import HOOK, MODEL, Front
from tests.contract.control.stand import PROJECT, Stand, check_problem
from tests.support.authority import Authority, private_key
from tests.support.bad_urls import BAD_URLS

CANARY = "hunter2-canary"
BASIC = {"kind": "basic", "username": "user", "password": CANARY}


def test_the_project_s_secret_is_shown_once(front: Front) -> None:
    secrets, path = front.stand.services.webhook_secrets, "/webhooks/secret"
    assert front.ok("GET", path, key="admin") == {"exists": False, "previous_until": None}
    first = front.ok("POST", f"{path}/rotate", key="admin")["secret"]
    assert first.startswith("whsec_")
    assert front.ok("GET", path, key="admin") == {"exists": True, "previous_until": None}
    second = front.ok("POST", f"{path}/rotate", key="admin")["secret"]
    assert second != first
    shown = front.ok("GET", path, key="admin")
    assert (shown["exists"], shown["previous_until"] > "2026") == (True, True)
    assert secrets.signing(PROJECT, MODEL) == [second, first]
    front.runs.later(86_401)
    assert front.ok("GET", path, key="admin") == {"exists": True, "previous_until": None}
    assert secrets.signing(PROJECT, MODEL) == [second]
    assert "whsec_" not in str(shown) + str(front.stand.log)


def test_a_model_s_own_secret(front: Front) -> None:
    path = f"/models/{MODEL}/webhooks/secret"
    project = front.call("POST", "/webhooks/secret/rotate", key="admin").json()["secret"]
    assert front.call("GET", path, key="admin").json() == {"exists": False, "previous_until": None}
    own = front.call("POST", f"{path}/rotate", key="admin").json()["secret"]
    assert front.call("GET", path, key="admin").json() == {"exists": True, "previous_until": None}
    secrets = front.stand.services.webhook_secrets
    assert secrets.signing(PROJECT, MODEL) == [own]
    assert secrets.signing(PROJECT, "other") == [project]
    assert [front.call("DELETE", path, key="admin").status_code for _ in range(2)] == [204, 204]
    assert secrets.signing(PROJECT, MODEL) == [project]
    for method, other in (("GET", ""), ("POST", "/rotate"), ("DELETE", "")):
        check_problem(front.call(method, f"/models/unknown/webhooks/secret{other}", key="admin"), 404)


def put(stand: Stand, body: Any, model: str = MODEL) -> Any:
    return stand.call("PUT", f"/models/{model}/webhook", json=body)


def test_a_model_s_own_webhook(front: Front) -> None:
    stand, secrets = front.stand, front.stand.services.webhook_secrets
    check_problem(stand.call("GET", f"/models/{MODEL}/webhook"), 404)
    normal = {"url": "https://hooks.example.com/a", "auth": None}
    assert put(stand, {"url": "https://Hooks.Example.com:443/a"}).json() == normal
    made = put(stand, {"url": HOOK, "auth": BASIC})
    assert made.json() == {"url": HOOK, "auth": "basic"} == stand.call("GET", f"/models/{MODEL}/webhook").json()
    assert CANARY not in made.text + str(stand.log)
    assert secrets.auth(PROJECT, MODEL) == BasicAuth("user", CANARY)
    row = models.get(stand.registry, PROJECT, MODEL)
    assert (row.webhook_url, row.webhook_auth, row.current_version) == (HOOK, "basic", 1)
    assert put(stand, {"url": HOOK + "/b"}).json() == {"url": HOOK + "/b", "auth": None}
    assert secrets.auth(PROJECT, MODEL) is None
    assert models.get(stand.registry, PROJECT, MODEL).webhook_auth == ""
    cert, key = Authority().issue("client.example.com", client=True)
    assert put(stand, {"url": HOOK, "auth": {"kind": "mtls", "cert": cert, "key": key}}).json()["auth"] == "mtls"
    assert stand.call("DELETE", f"/models/{MODEL}/webhook").status_code == 204
    check_problem(stand.call("GET", f"/models/{MODEL}/webhook"), 404)
    assert secrets.auth(PROJECT, MODEL) is None


def test_a_model_that_is_not_there_or_goes(front: Front) -> None:
    stand = front.stand
    for auth in (None, BASIC):
        check_problem(put(stand, {"url": HOOK, "auth": auth}, "unknown"), 404)
    for method in ("DELETE", "GET"):
        check_problem(stand.call(method, "/models/unknown/webhook"), 404)
    assert stand.services.webhook_secrets.auth(PROJECT, "unknown") is None
    stand.registry.table.update(model_key(PROJECT, MODEL), {"state": "DELETING"})
    for auth in (None, BASIC):
        check_problem(put(stand, {"url": HOOK, "auth": auth}), 409)
    check_problem(stand.call("DELETE", f"/models/{MODEL}/webhook"), 409)
    assert stand.services.webhook_secrets.auth(PROJECT, MODEL) is None


def test_urls_that_may_not_be_called(front: Front) -> None:
    for url, why in BAD_URLS:
        answer = front.stand.call("PUT", f"/models/{MODEL}/webhook", content=json.dumps({"url": url, "auth": BASIC}))
        # Text that JSON itself may not hold is a bad request.
        unreadable = "\0" in url or any("\ud800" <= char <= "\udfff" for char in url)
        problem = check_problem(answer, 400 if unreadable else 422)
        assert unreadable or problem["field"] == "url", why
        assert CANARY not in answer.text
    assert models.get(front.stand.registry, PROJECT, MODEL).webhook_url == ""
    assert front.stand.services.webhook_secrets.auth(PROJECT, MODEL) is None


def bad_credentials() -> dict[str, Any]:
    authority = Authority()
    cert, key = authority.issue("client.example.com", client=True)
    other = authority.issue("client.example.com", client=True, key="rsa")[1]
    expired = authority.issue("client.example.com", client=True, expired=True)
    cipher = BestAvailableEncryption(CANARY.encode())
    encrypted = private_key("ec").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, cipher)
    weak = authority.issue("client.example.com", client=True, key="rsa1024")
    mtls = {"kind": "mtls", "cert": cert, "key": key}
    return {
        "a colon": BASIC | {"username": "us:er"},
        "CR LF": BASIC | {"username": "user\r\nX-Evil: 1"},
        "CR LF in the password": BASIC | {"password": CANARY + "\r\n"},
        "no password": {"kind": "basic", "username": CANARY},
        "256 characters": BASIC | {"username": "u" * 256},
        "another's key": mtls | {"key": other},
        "expired": {"kind": "mtls", "cert": expired[0], "key": expired[1]},
        "encrypted": mtls | {"key": encrypted.decode()},
        "weak": {"kind": "mtls", "cert": weak[0], "key": weak[1]},
        "1 MB": mtls | {"cert": cert + "x" * 1_000_000},
        "1 MB of key": mtls | {"key": key + "\n" * 500_000},
        "no PEM": {"kind": "mtls", "cert": CANARY, "key": CANARY},
        "unknown kind": {"kind": CANARY, "username": "u", "password": "p"},
        "no kind": {"username": "u", "password": CANARY},
        "both kinds": BASIC | {"cert": cert, "key": key},
        "both kinds nested": {"basic": BASIC, "mtls": mtls},
        "more": BASIC | {"realm": "x"},
        "a list": [BASIC],
        "a text": CANARY,
        "empty": {},
    }


def test_credentials_that_are_refused(front: Front) -> None:
    for name, auth in bad_credentials().items():
        answer = put(front.stand, {"url": HOOK, "auth": auth})
        assert check_problem(answer, 422)["field"] == "auth", name
        assert CANARY not in answer.text, name
        assert "PRIVATE KEY-----\n" not in answer.text, name
    assert CANARY not in str(front.stand.log)
    assert models.get(front.stand.registry, PROJECT, MODEL).webhook_url == ""
    assert front.stand.services.webhook_secrets.auth(PROJECT, MODEL) is None


def test_bodies(front: Front) -> None:
    for body in ([], 7, {}, {"url": None}, {"url": 7}, {"url": [HOOK]}, {"auth": BASIC}, {"url": HOOK, "headers": {}}):
        assert CANARY not in str(check_problem(put(front.stand, body), 422)), body


def test_what_the_operator_allows(front: Front) -> None:
    put_local = {"url": "http://127.0.0.1:8787/"}
    check_problem(put(front.stand, put_local), 422)
    front.policy(webhook_http=True, webhook_loopback=True)
    assert put(front.stand, put_local).json()["url"] == "http://127.0.0.1:8787/"
