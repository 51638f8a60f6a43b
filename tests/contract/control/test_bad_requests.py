"""Bad input at the control API: each class gets its status and a problem; nothing is made; the API lives on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcote.core.spec import spec_to_dict
from modelcote.identity import keys
from modelcote.registry import models
from tests.contract.control.stand import PROJECT, Stand, check_problem
from tests.support.specs import a_spec
from tests.support.tokens import by_hand, claims
from tests.unit.core.test_strict_json import REFUSED

BUNDLE, SPEC = {"sha256": "0" * 64, "bytes": 10}, spec_to_dict(a_spec())
METHODS = {
    "deploy": {
        "/models": "GET", "/models/iris": "GET DELETE", "/models/iris/rollback": "POST", "/models/iris/logs": "GET",
        "/models/iris/versions": "GET POST", "/models/iris/versions/1": "GET", "/models/iris/versions/1/deploy": "POST",
        "/deploys/x": "GET", "/models/iris/webhook": "GET PUT DELETE",
    },
    "admin": {
        "/keys": "GET POST", "/keys/x": "DELETE", "/jwt-issuers": "GET PUT", "/jwt-issuers/x": "DELETE",
        "/secrets": "GET", "/secrets/x": "GET PUT DELETE", "/webhooks/secret": "GET", "/webhooks/secret/rotate": "POST",
        "/models/iris/webhooks/secret": "GET DELETE", "/models/iris/webhooks/secret/rotate": "POST",
    },
    "predict": {
        "/runs": "GET", "/runs/x": "GET", "/runs/x/result": "GET", "/runs/x/cancel": "POST",
        "/deliveries": "GET", "/deliveries/x": "GET", "/deliveries/replay": "POST", "/deliveries/x/replay": "POST",
    },
}  # fmt: skip
ROUTES = [
    (method, path, scope)
    for scope, paths in METHODS.items()
    for path, methods in paths.items()
    for method in methods.split()
]


@pytest.fixture(autouse=True)
def nothing_is_made(stand: Stand) -> Any:
    yield
    assert models.all_of(stand.registry, PROJECT) == []
    assert stand.http.get("/healthz").json() == {"status": "ok"}


def test_every_route_asks_for_its_key_project_and_scope(stand: Stand) -> None:
    _, other = keys.create(stand.registry.table, "other", "other", ["admin"])
    for method, path, scope in ROUTES:
        for status, key in ((401, None), (401, "nonsense"), (404, other)):
            stand.refused(status, method, path, key=key)
        for lesser in {"predict": ["deploy"], "deploy": ["predict"], "admin": ["predict", "deploy"]}[scope]:
            assert stand.refused(403, method, path, key=lesser)["scope"] == scope


def test_the_routes_above_are_all_there_are(stand: Stand) -> None:
    from modelcote.control.app import openapi_document
    from modelcote.dialects import DIALECTS

    below = "/v1/projects/{project}"
    documented = {
        (method.upper(), path.removeprefix(below))
        for path, operations in openapi_document(DIALECTS)["paths"].items()
        if path.startswith(below)
        for method in operations
    }
    named = {"iris": "{model}", "1": "{version}"}
    last = {"deploys": "{deploy_id}", "keys": "{key_id}", "jwt-issuers": "{issuer_id}", "secrets": "{key}"}
    last |= {"runs": "{run_id}", "deliveries": "{run_id}"}
    tested = set()
    for method, path, _ in ROUTES:
        parts = path.split("/")
        named["x"] = last.get(parts[1], "x")
        tested.add((method, "/".join(named.get(part, part) for part in parts)))
    assert tested == documented


def test_credentials(stand: Stand) -> None:
    tokens = [
        by_hand({"alg": "none"}, json.dumps(claims())),
        by_hand({"alg": "HS256"}, json.dumps(claims()), b"secret"),
    ]
    bearers = [f"Bearer {token}" for token in (*tokens, "a" * 100_000 + ".b.c")]
    for key in ("", "Bearer", "Basic dXNlcjpwYXNz", "mc_x", f"mc_{'0' * 16}_{'a' * 43}", *bearers):
        answer = stand.call("GET", "/models", headers={"authorization": key})
        assert check_problem(answer, 401)["detail"] == "The API key or token is missing or not valid."
        assert answer.headers["www-authenticate"] == 'Bearer realm="modelcote"'


def test_two_authorization_headers(stand: Stand) -> None:
    key = stand.keys["deploy"]
    two = [("authorization", key), ("authorization", key)]
    check_problem(stand.http.get(f"/v1/projects/{PROJECT}/models", headers=two), 400)
    check_problem(stand.call("GET", "/models", key=f"{key}, {key}"), 400)


@pytest.mark.parametrize("case", REFUSED)
def test_json_that_is_not_strict(stand: Stand, case: str) -> None:
    for headers in ({"content-type": "application/json"}, {}):
        answer = stand.call("POST", "/models/iris/versions", content=REFUSED[case], headers=headers)
        assert check_problem(answer, 400)["code"] == "malformed_json"


@pytest.mark.parametrize(
    "body",
    [
        [],
        7,
        "x",
        {},
        {"spec": 1, "bundle": BUNDLE},
        {"spec": {}, "bundle": BUNDLE},
        {"spec": SPEC},
        *({"spec": SPEC, "bundle": {**BUNDLE, "sha256": sha256}} for sha256 in ("x", "0" * 63 + "A")),
        *({"spec": SPEC, "bundle": {**BUNDLE, "bytes": size}} for size in (0, "10", True)),
        {"spec": SPEC, "bundle": BUNDLE, "project": "other"},
        {"spec": {**SPEC, "name": "other"}, "bundle": BUNDLE},
        {"spec": {**SPEC, "api_key": "x"}, "bundle": BUNDLE},
    ],
)
def test_version_requests(stand: Stand, body: object) -> None:
    check_problem(stand.call("POST", "/models/iris/versions", json=body), 422)


@pytest.mark.parametrize("name", ["../x", "model\u0430", "a" * 21, "a" * 5_000, "UPPER", "a b", "", None, 7])
def test_names(stand: Stand, name: object) -> None:
    body = {"spec": {**SPEC, "name": name}, "bundle": BUNDLE}
    assert stand.refused(422, "POST", "/models/iris/versions", json=body)["field"] == "name"


def test_sizes(stand: Stand) -> None:
    body = {"spec": SPEC, "bundle": {**BUNDLE, "bytes": 10**12}}
    check_problem(stand.call("POST", "/models/iris/versions", json=body), 413)
    check_problem(stand.call("POST", "/models/iris/versions", content=b"[" + b"0," * 1_000_000 + b"0]"), 413)


def test_content_types_and_compressed_bodies(stand: Stand) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "json"):
        stand.refused(415, "POST", "/keys", key="admin", content=b"{}", headers={"content-type": kind})
    for coding in ("gzip", "br"):
        stand.refused(415, "POST", "/keys", key="admin", content=b"\x1f\x8b", headers={"content-encoding": coding})


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", f"/v1/projects/{PROJECT}/models", "GET"),
        ("PUT", f"/v1/projects/{PROJECT}/models/iris", "DELETE, GET"),
        ("HEAD", f"/v1/projects/{PROJECT}/models/iris", "DELETE, GET"),
        ("OPTIONS", f"/v1/projects/{PROJECT}/keys", "GET, POST"),
        ("PATCH", f"/v1/projects/{PROJECT}/secrets/x", "DELETE, GET, PUT"),
        ("POST", "/healthz", "GET"),
        ("POST", "/openapi.json", "GET"),
        ("GET", "/deploy", "POST"),
    ],
)
def test_methods(stand: Stand, method: str, path: str, allow: str) -> None:
    answer = stand.raw(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    if method != "HEAD":
        check_problem(answer, 405)


@pytest.mark.parametrize("path", [
    "/", "/nowhere", "/etc/passwd", "/v1", "//v1/projects/demo/models", f"/v1/projects/{PROJECT}/models/",
    f"/v1/projects/{PROJECT}/nothing", f"/v1/projects/{PROJECT}/models/%2e%2e",
    f"/v1/projects/{PROJECT}/models/%2e%2e%2fother", f"/v1/projects/{PROJECT}/models/..%252f..%252fother",
    f"/v1/projects/{PROJECT}/models%2firis", f"/v1/projects/{PROJECT}/models/%69ris",
    f"/v1/projects/{PROJECT}/models/iri%D1%95", f"/v1/projects/{PROJECT}/models/iris%00",
    f"/v1/projects/{PROJECT}/models/iris%0d%0aX-Injected:%201", "/docs", "/redoc",
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths(stand: Stand, path: str, method: str) -> None:
    check_problem(stand.raw(method, path), 404)


@pytest.mark.parametrize("headers", [{"x-large": "a" * 10_240}, {f"x-{i}": "a" * 100 for i in range(100)}])
def test_headers(stand: Stand, headers: dict[str, str]) -> None:
    check_problem(stand.call("GET", "/models", headers=headers), 431)


def test_deploys_that_are_not_there(stand: Stand) -> None:
    for after in ("-1", "x", "1e9", "9" * 20, "1.5"):
        assert stand.refused(422, "GET", "/deploys/x", params={"after": after})["field"] == "after"
    for deploy_id in ("x", "0" * 32, "a" * 5_000):
        stand.refused(404, "GET", f"/deploys/{deploy_id}")


def test_a_fault_of_our_own_is_a_500_without_its_trace(stand: Stand) -> None:
    table, stand.registry.table.name = stand.registry.table.name, "no-such-table"
    try:
        answer = stand.call("GET", "/models")
    finally:
        stand.registry.table.name = table
    check_problem(answer, 500)
    assert "no-such-table" not in answer.text
    (event, members) = stand.log[0]
    assert event == "failed"
    assert members["request_id"] == answer.json()["request_id"]
    assert "ResourceNotFoundException" in members["exception"]


def test_the_log_holds_no_secret(stand: Stand) -> None:
    stand.call("POST", "/keys", key="admin", json={"name": "x", "scopes": ["predict"]})
    (event, members) = stand.log[-1]
    assert (event, members["status"], members["method"]) == ("request", 201, "POST")
    assert "mc_" not in str(stand.log)
