"""Tokens: the registry alone says which key and algorithm; everything else is refused alike."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from modelcote.core.errors import Conflict, Invalid, NotFound, Unauthorized, to_problem
from modelcote.identity import issuers
from modelcote.identity.authenticate import authenticate, refused
from modelcote.identity.scopes import Caller
from modelcote.registry.store import Registry
from tests.support.tokens import AUDIENCE, ISSUER, by_hand, claims, pem, private_key, signed

NOW = int(time.time())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_is_accepted(registry: Registry, algorithm: str) -> None:
    key = private_key(algorithm)
    row = issuers.register(registry.table, "demo", ISSUER, AUDIENCE, pem(key), ["predict"])
    assert row.algorithm == algorithm
    for audience in (AUDIENCE, ["another", AUDIENCE]):
        token = signed(key, algorithm, aud=audience)
        assert authenticate(f"Bearer {token}", registry.table.get) == Caller("demo", ("predict",))
    assert authenticate(signed(key, algorithm, {"kid": "../../etc/passwd"}), registry.table.get).project == "demo"


def rsa_token(header: dict[str, Any] | None = None, **changes: Any) -> str:
    return signed(private_key("RS256"), "RS256", header, **changes)


WRONG = {
    "alg none": lambda: by_hand({"alg": "none"}, json.dumps(claims())),
    "alg None": lambda: by_hand({"alg": "None"}, json.dumps(claims())),
    "no alg": lambda: by_hand({}, json.dumps(claims())),
    "HS256 with the public key": lambda: by_hand(
        {"alg": "HS256"}, json.dumps(claims()), pem(private_key("RS256")).encode()
    ),
    "HS256 called RS256": lambda: by_hand({"alg": "RS256"}, json.dumps(claims()), pem(private_key("RS256")).encode()),
    "another key": lambda: signed(private_key("RS256", 1), "RS256"),
    "another algorithm": lambda: signed(private_key("ES256"), "ES256"),
    "another RSA algorithm": lambda: signed(private_key("RS256"), "RS512"),
    "expired": lambda: rsa_token(exp=NOW - 60),
    "no expiry": lambda: rsa_token(exp=None),
    "expiry is text": lambda: by_hand({"alg": "RS256"}, json.dumps({**claims(), "exp": "soon"})),
    "expiry is infinite": lambda: by_hand({"alg": "RS256"}, '{"iss":"a","aud":"b","exp":1e999}'),
    "not yet valid": lambda: rsa_token(nbf=NOW + 86_400),
    "issued later": lambda: rsa_token(iat=NOW + 86_400),
    "another audience": lambda: rsa_token(aud="elsewhere"),
    "no audience": lambda: rsa_token(aud=None),
    "audience is a number": lambda: by_hand({"alg": "RS256"}, json.dumps({**claims(), "aud": 7})),
    "another issuer": lambda: rsa_token(iss="https://evil.example"),
    "no issuer": lambda: rsa_token(iss=None),
    "issuer is a list": lambda: by_hand({"alg": "RS256"}, json.dumps({**claims(), "iss": [ISSUER]})),
    "unknown critical header": lambda: rsa_token({"crit": ["x"], "x": 1}),
    "changed claims": lambda: ".".join([rsa_token().split(".")[0], rsa_token(sub="root").split(".")[1], "AAAA"]),
    "no signature": lambda: rsa_token().rsplit(".", 1)[0] + ".",
    "not base64": lambda: "a.b.c",
    "empty parts": lambda: "..",
    "payload is a list": lambda: by_hand({"alg": "RS256"}, "[]"),
    "payload is deep": lambda: by_hand({"alg": "RS256"}, "[" * 3_000 + "]" * 3_000),
    "header is a path": lambda: by_hand({"alg": "RS256", "kid": "/etc/passwd", "jku": "http://127.0.0.1/"}, "{}"),
    "100 KB": lambda: rsa_token(pad="a" * 100_000),
    "just over 8 KB": lambda: rsa_token(pad="a" * 8_192),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_token_is_refused(registry: Registry, case: str) -> None:
    issuers.register(registry.table, "demo", ISSUER, AUDIENCE, pem(private_key("RS256")), ["admin"])
    with pytest.raises(Unauthorized) as caught:
        authenticate(f"Bearer {WRONG[case]()}", registry.table.get)
    assert to_problem(caught.value) == to_problem(refused())


@pytest.mark.parametrize(
    "public_key",
    [
        "",
        "x",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        pem(ec.generate_private_key(ec.SECP384R1())),
        "a" * 1_000_000,
    ],
)
def test_a_public_key_is_refused(registry: Registry, public_key: str) -> None:
    with pytest.raises(Invalid):
        issuers.register(registry.table, "demo", ISSUER, AUDIENCE, public_key, ["predict"])


def test_a_pair_belongs_to_one_project_and_can_be_replaced_and_removed(registry: Registry) -> None:
    first, second = private_key("RS256"), private_key("RS256", 1)
    row = issuers.register(registry.table, "demo", ISSUER, AUDIENCE, pem(first), ["predict"])
    with pytest.raises(Conflict):
        issuers.register(registry.table, "other", ISSUER, AUDIENCE, pem(second), ["predict"])
    with pytest.raises(NotFound):
        issuers.remove(registry.table, "other", row.issuer_id)
    issuers.register(registry.table, "demo", ISSUER, AUDIENCE, pem(second), ["deploy"])
    with pytest.raises(Unauthorized):
        authenticate(signed(first, "RS256"), registry.table.get)
    assert authenticate(signed(second, "RS256"), registry.table.get).scopes == ("deploy",)
    assert [one.issuer_id for one in issuers.all_of(registry.table, "demo")] == [row.issuer_id]
    issuers.remove(registry.table, "demo", row.issuer_id)
    with pytest.raises(Unauthorized):
        authenticate(signed(second, "RS256"), registry.table.get)
    assert issuers.all_of(registry.table, "demo") == []
