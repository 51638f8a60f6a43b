"""Keys, issuers and secrets: created and revoked over HTTP, values never returned."""

from __future__ import annotations

import pytest

from modelcote.core.names import secret_name
from tests.contract.control.stand import PROJECT, Stand, check_problem
from tests.support.tokens import AUDIENCE, ISSUER, pem, private_key, signed


def test_a_key_from_its_making_to_its_end(stand: Stand) -> None:
    body = {"name": "ci", "scopes": ["deploy"], "expires_in_s": 3600}
    made = stand.ok("POST", "/keys", 201, key="admin", json=body)
    text, key_id = made["key"], made["key_id"]
    assert made["expires_at"].endswith("Z")
    assert stand.call("GET", "/models", key=text).status_code == 200
    listed = stand.call("GET", "/keys", key="admin")
    assert text.split("_", 2)[2] not in listed.text
    assert [row["name"] for row in listed.json()["keys"]].count("ci") == 1
    for _ in range(2):
        stand.ok("DELETE", f"/keys/{key_id}", 204, key="admin")
    check_problem(stand.call("GET", "/models", key=text), 401)
    (ended,) = [row for row in stand.call("GET", "/keys", key="admin").json()["keys"] if row["key_id"] == key_id]
    assert ended["revoked_at"]
    check_problem(stand.call("DELETE", f"/keys/{'0' * 16}", key="admin"), 404)


@pytest.mark.parametrize("body", [
    {}, {"name": "a"}, {"name": 1, "scopes": ["predict"]}, {"name": "a", "scopes": "predict"},
    {"name": "a", "scopes": []}, {"name": "a", "scopes": ["root"]},
    {"name": "a", "scopes": ["predict"], "project": "other"},
    {"name": "a", "scopes": ["predict"], "expires_in_s": -1}, {"name": "a" * 65, "scopes": ["predict"]},
])  # fmt: skip
def test_keys_that_cannot_be(stand: Stand, body: object) -> None:
    check_problem(stand.call("POST", "/keys", key="admin", json=body), 422)


def test_a_third_key_of_a_name(stand: Stand) -> None:
    for status in (201, 201, 409):
        stand.ok("POST", "/keys", status, key="admin", json={"name": "ci", "scopes": ["deploy"]})


def test_an_issuer_from_its_making_to_its_end(stand: Stand) -> None:
    key = private_key("EdDSA")
    body = {"issuer": ISSUER, "audience": AUDIENCE, "public_key": pem(key), "scopes": ["deploy"]}
    other = stand.services.stack  # an audience that no other test has
    made = stand.ok("PUT", "/jwt-issuers", key="admin", json={**body, "audience": other})
    assert made["algorithm"] == "EdDSA"
    token = "Bearer " + signed(key, "EdDSA", aud=other)
    stand.ok("GET", "/models", key=token)
    stand.refused(403, "GET", "/keys", key=token)
    assert stand.ok("GET", "/jwt-issuers", key="admin") == {"issuers": [made]}
    path = f"/jwt-issuers/{made['issuer_id']}"
    stand.ok("DELETE", path, 204, key="admin")
    check_problem(stand.call("DELETE", path, key="admin"), 404)
    check_problem(stand.call("GET", "/models", key=token), 401)
    for wrong in ({**body, "public_key": "x"}, {**body, "scopes": ["x"]}, {**body, "issuer": ""}, {"issuer": ISSUER}):
        check_problem(stand.call("PUT", "/jwt-issuers", key="admin", json=wrong), 422)


def test_a_secret_from_its_making_to_its_end(stand: Stand) -> None:
    for method in ("GET", "DELETE"):
        stand.refused(404, method, "/secrets/TOKEN", key="admin")
    for value in ("first", "second"):
        assert stand.call("PUT", "/secrets/TOKEN", key="admin", json={"value": value}).status_code == 204
    stored = stand.services.secrets.get_secret_value(SecretId=secret_name(stand.services.stack, PROJECT, "TOKEN"))
    assert stored["SecretString"] == "second"
    got = stand.call("GET", "/secrets/TOKEN", key="admin")
    assert got.json()["key"] == "TOKEN"
    listed = stand.call("GET", "/secrets", key="admin")
    assert [row["key"] for row in listed.json()["secrets"]] == ["TOKEN"]
    assert "second" not in got.text + listed.text + str(stand.log)
    assert stand.call("DELETE", "/secrets/TOKEN", key="admin").status_code == 204
    check_problem(stand.call("GET", "/secrets/TOKEN", key="admin"), 404)
    assert stand.call("PUT", "/secrets/TOKEN", key="admin", json={"value": "again"}).status_code == 204


def test_secrets_that_cannot_be(stand: Stand) -> None:
    for key in ("a.b", "a" * 65):
        stand.refused(422, "PUT", f"/secrets/{key}", key="admin", json={"value": "x"})
    for body in ({}, {"value": ""}, {"value": 1}, {"value": "x" * 65_537}, {"value": "x", "y": 1}):
        stand.refused(422, "PUT", "/secrets/A", key="admin", json=body)
