"""Bad input at the gateway: each class gets its status, a problem body and no invocation; the next call is served."""

from __future__ import annotations

from typing import Any

import pytest

from modelcote.identity import issuers, keys
from modelcote.registry import models, versions
from tests.emulator.gateway.stand import PROJECT, Stand
from tests.emulator.identity.test_keys import wrong_headers
from tests.emulator.identity.test_tokens import WRONG
from tests.support.events import predict_event
from tests.support.specs import a_spec
from tests.support.tokens import AUDIENCE, ISSUER, pem, private_key
from tests.unit.core.test_strict_json import REFUSED


def refused(stand: Stand, status: int, body: bytes = b"[[1, 2]]", **options: Any) -> dict[str, Any]:
    """Sends a request and checks everything that all refusals share."""
    before = len(stand.door.seen)
    got, headers, problem = stand.send(body, **options)
    assert (got, problem["status"]) == (status, status), problem
    assert headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == headers["x-request-id"]
    assert all(problem[member] for member in ("detail", "remedy", "code"))
    assert "Traceback" not in str(problem)
    assert len(stand.door.seen) == before
    assert stand.send()[0] == 200
    return {"headers": headers, **problem}


def test_json_that_is_not_strict(stand: Stand) -> None:
    for case, body in REFUSED.items():
        for kind in ("application/json", None):
            got, _, problem = stand.send(body, headers={"content-type": kind})
            assert (got, problem["code"]) == (400, "malformed_json"), (case, kind)
    assert stand.door.seen == []
    assert stand.send()[0] == 200


def test_neither_a_list_nor_an_object(stand: Stand) -> None:
    for body in (b"7", b'"x"', b"null", b"true", b"-0.5"):
        refused(stand, 422, body)


KINDS = [
    "text/plain", "text/json", "application/xml", "application/jsonp", "image/png", "multipart/mixed; boundary=x",
    "application/x-www-form-urlencoded", "json", "application/json; charset=latin-1",
]  # fmt: skip


def test_content_types_and_compressed_bodies(stand: Stand) -> None:
    for kind in KINDS:
        refused(stand, 415, headers={"content-type": kind})
    for coding in ("gzip", "deflate", "br", "identity, gzip", "GZIP"):
        refused(stand, 415, b"\x1f\x8b" + b"0" * 100, headers={"content-encoding": coding})


@pytest.mark.parametrize("kind", ["application/json", None])
@pytest.mark.parametrize("body", [b"[" + b"0," * 2_250_000 + b"0]", b"[[" + b"0," * 9_999_999 + b"0]]"])
def test_bodies_above_the_limit(stand: Stand, body: bytes, kind: str | None) -> None:
    assert refused(stand, 413, body, headers={"content-type": kind})["limit_bytes"] == 4_500_000


def test_a_body_at_the_limit_is_read(stand: Stand) -> None:
    body = b"[" + b"0," * 2_249_999 + b"0]"
    assert len(body) == 4_500_001
    refused(stand, 413, body)
    stand.door.reply = lambda _: (200, {}, b'{"result":[],"run_time_ms":1,"points":1}')
    assert stand.send(body[:-4] + b"0]")[0] == 200


def test_base64_that_is_none(stand: Stand) -> None:
    event = {**predict_event(b"", key=stand.key), "body": "%%%", "isBase64Encoded": True}
    assert stand.gateway.answer(event)["statusCode"] == 400


@pytest.mark.parametrize("path", ["/v1/demo/nothing/predict", "/v3/demo/nothing/predict", "/v1/other/iris/predict"])
def test_unknown_models_and_other_projects_are_alike(stand: Stand, path: str) -> None:
    models.ensure_project(stand.registry, "other")
    versions.create(stand.registry, "other", a_spec("iris"))
    assert refused(stand, 404, path=path)["detail"].endswith("in this project.")


NAMES = ["..", "../x", "%2e%2e", "%252e%252e%252f", "IRIS", "iri\u0455", "a" * 21, "iris\n", "iris ", "iris%00", "a.b"]
PATHS = [
    "/",
    "/v1/demo/iris",
    "/v2/demo/iris/predict",
    "/v1//iris/predict",
    "/v1/demo/iris/predict/",
    "/v1/demo/predict",
]


def test_names_in_the_path_and_paths_that_are_none(stand: Stand) -> None:
    for path in (*(f"/v1/{names}/predict" for name in NAMES for names in (f"demo/{name}", f"{name}/iris")), *PATHS):
        refused(stand, 404, path=path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_methods(stand: Stand, method: str) -> None:
    assert refused(stand, 405, method=method)["headers"]["allow"] == "POST"


@pytest.mark.parametrize(
    "headers", [{"x-large": "a" * 10_240}, {f"x-{i}": "a" * 100 for i in range(100)}, {"x" * 10_240: ""}]
)
def test_headers_above_the_limit(stand: Stand, headers: dict[str, str | None]) -> None:
    refused(stand, 431, headers=headers)


def test_two_authorization_headers(stand: Stand) -> None:
    refused(stand, 400, key=f"{stand.key}, {stand.key}")
    refused(stand, 400, key=f"Bearer x,{stand.key}")


def test_credentials_are_refused_alike(stand: Stand) -> None:
    issuers.register(stand.registry.table, PROJECT, ISSUER, AUDIENCE, pem(private_key("RS256")), ["predict"])
    tokens = {f"token: {case}": f"Bearer {made()}" for case, made in WRONG.items()}
    seen = []
    for case, key in {**wrong_headers(stand.registry), **tokens, "scheme alone": "Bearer "}.items():
        got, headers, problem = stand.send(key=key)
        assert got == 401, case
        assert headers["www-authenticate"] == 'Bearer realm="modelcote"'
        assert problem.pop("request_id")
        seen.append(problem)
    assert all(problem == seen[0] for problem in seen)
    assert stand.door.seen == []
    assert stand.send()[0] == 200


def test_a_missing_scope(stand: Stand) -> None:
    _, key = keys.create(stand.registry.table, PROJECT, "deployer", ["deploy"])
    assert refused(stand, 403, key=key)["scope"] == "predict"
    _, key = keys.create(stand.registry.table, PROJECT, "root", ["admin"])
    assert stand.send(key=key)[0] == 200
