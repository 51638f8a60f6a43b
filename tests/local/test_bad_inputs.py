"""Bad input to the running cloud gets its status and a problem body, and takes nothing down."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from modelcote import model_type
from tests.emulator.gateway.test_multipart import part
from tests.local.cloud import Cloud
from tests.local.test_versions import constant_model
from tests.unit.core.test_strict_json import REFUSED as NOT_STRICT

pytestmark = pytest.mark.local

JSON = "application/json"
BUNDLE = {"sha256": "0" * 64, "bytes": 10}


@pytest.fixture(scope="module", autouse=True)
def model(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = constant_model(tmp_path_factory.mktemp("bad"), 7)
    cloud.conduit("bad", (model_type.SKLEARN, str(path)), compile=False).deploy()
    return "bad"


@pytest.fixture(autouse=True)
def still_alive(cloud: Cloud) -> Any:
    yield
    assert cloud.predict("bad", [[1.0]]).json()["result"] == [7.0]


def assert_problem(response: Any, status: int) -> None:
    assert response.status_code == status, (response.status_code, response.text[:500])
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["remedy"]
    assert problem["request_id"]
    assert "Traceback" not in response.text


BODIES = {
    "a number": (b"7", 422),
    "a string": (b'"x"', 422),
    "null": (b"null", 422),
    "above the limit": (b"[" + b"0," * 2_500_000 + b"0]", 413),
    "ten million zeros": (b"[[" + b"0," * 9_999_999 + b"0]]", 413),
    "ragged": (b"[[1.0], [1.0, 2.0]]", 422),
    "too many features": (b"[[1.0, 2.0]]", 422),
    "no features": (b"[[]]", 422),
    "no rows": (b"[]", 422),
    "flat": (b"[1.0]", 422),
    "text": (b'[["x"]]', 422),
    "object": (b'[{"nope": 1}]', 422),
    **{f"not strict JSON: {name}": (body, 400) for name, body in NOT_STRICT.items()},
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies(cloud: Cloud, case: str) -> None:
    body, status = BODIES[case]
    assert_problem(cloud.http.post(cloud.predict_url("bad"), content=body, headers={"content-type": JSON}), status)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "image/png", "application/jsonp", "multipart/mixed"])
def test_content_types(cloud: Cloud, kind: str) -> None:
    assert_problem(cloud.http.post(cloud.predict_url("bad"), content=b"[[1]]", headers={"content-type": kind}), 415)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
def test_compressed_bodies(cloud: Cloud, coding: str) -> None:
    headers = {"content-type": JSON, "content-encoding": coding}
    body = b"\x1f\x8b" + b"0" * 64
    assert_problem(cloud.http.post(cloud.predict_url("bad"), content=body, headers=headers), 415)


def test_the_expected_count_is_named(cloud: Cloud) -> None:
    assert "1" in cloud.predict("bad", [[1.0, 2.0, 3.0]]).json()["detail"]


UNKNOWN_MODELS = ["/v1/{p}/no-such-model/predict", "/v3/{p}/no-such-model/predict", "/v1/other/bad/predict"]
UNKNOWN_PATHS = [
    "/v1/{p}/..%2f..%2fetc/predict",
    "/v1/{p}/%252e%252e/predict",
    "/v1/projects/{p}/models/%2e%2e%2fbad",
    "/v1/projects/{p}/models/..%252f..%252fbad",
    "/etc/passwd",
    "/nowhere",
    "/v1",
]


@pytest.mark.parametrize("path", UNKNOWN_MODELS + UNKNOWN_PATHS)
def test_unknown_models_and_paths(cloud: Cloud, path: str) -> None:
    assert_problem(cloud.http.post(cloud.url + path.format(p=cloud.project), json=[[1]]), 404)


@pytest.mark.parametrize("name", ["../x", "model\u0430", "a" * 21, "a" * 5_000, "UPPER", "a b", ""])
def test_names(cloud: Cloud, name: str) -> None:
    spec = {"name": name, "flow": [["sklearn", "m.pkl"]]}
    assert_problem(cloud.post("/models/some-name/versions", {"spec": spec, "bundle": BUNDLE}), 422)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_methods_of_predict(cloud: Cloud, method: str) -> None:
    answer = cloud.http.request(method, cloud.predict_url("bad"))
    assert_problem(answer, 405)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_methods_of_control(cloud: Cloud, method: str) -> None:
    assert_problem(cloud.http.request(method, cloud.control("/models")), 405)


def raw(cloud: Cloud, head: str, body: bytes = b"") -> bytes:
    """The answer to a request written by hand."""
    target = urlsplit(cloud.predict_url("bad"))
    with socket.create_connection((target.hostname or "", target.port or 80), 60) as connection:
        connection.sendall(head.replace("PATH", target.path).replace("KEY", cloud.key).encode("latin-1") + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    "head",
    [
        "POST PATH HTTP/1.1\r\nHost: x\r\nAuthorization: KEY\r\nX-A: b\x00c\r\nContent-Length: 5\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: x\r\nAuthorization: KEY\r\nContent-Length: five\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: x\r\nAuthorization: KEY\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: x\r\nAuthorization: KEY\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST PATH HTTP/1.1\r\nHost: x\r\nBad Name: x\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_malformed_requests(cloud: Cloud, head: str) -> None:
    answer = raw(cloud, head, b"[[1]]")
    assert not answer or answer.split(b"\r\n", 1)[0].split(b" ")[1] == b"400", answer[:200]


def test_a_body_shorter_than_its_length_is_never_served(cloud: Cloud) -> None:
    head = f"POST PATH HTTP/1.1\r\nHost: x\r\nAuthorization: KEY\r\nContent-Type: {JSON}\r\nContent-Length: 50\r\n\r\n"
    answer = raw(cloud, head, b"[[1]]")
    assert not answer or answer.split(b"\r\n", 1)[0].split(b" ")[1] in (b"400", b"408"), answer[:200]


@pytest.mark.parametrize("size", [11_000, 14_000])
def test_headers_too_large(cloud: Cloud, size: int) -> None:
    assert_problem(cloud.http.post(cloud.predict_url("bad"), json=[[1]], headers={"x-large": "a" * size}), 431)


DATA, END = part("data", "[[1]]"), "--XX--\r\n"
FORM = "multipart/form-data; boundary=XX"
FORMS = {
    "no boundary": ("multipart/form-data", DATA + END, 422),
    "no data part": (FORM, part("files", "x", "a.txt") + END, 422),
    "no closing boundary": (FORM, DATA, 422),
    "other boundary": ("multipart/form-data; boundary=YY", DATA + END, 422),
    "a thousand parts": (FORM, DATA + part("files", "x", "a") * 1_000 + END, 422),
    "file name": (FORM, DATA + part("files", "x", "../../etc/passwd") + END, 422),
    "data is not json": (FORM, part("data", "[[1") + END, 400),
    "two data parts": (FORM, DATA * 2 + END, 422),
    "gap in the numbers": (FORM, DATA + part("file0", "x", "a") + part("file2", "x", "b") + END, 422),
}


@pytest.mark.parametrize("case", FORMS)
def test_multipart(cloud: Cloud, case: str) -> None:
    kind, body, status = FORMS[case]
    assert_problem(
        cloud.http.post(cloud.predict_url("bad"), content=body.encode(), headers={"content-type": kind}), status
    )


def token(header: dict[str, str], signature: str) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (header, {"iss": "x", "aud": "y"}))
    return "Bearer " + b".".join(part.rstrip(b"=") for part in parts).decode() + f".{signature}"


KEYS = {
    "none": None,
    "empty": "",
    "malformed": "mc_nonsense",
    "unknown": "mc_0000000000000000_" + "A" * 43,
    "wrong secret": "KEY-WRONG",
    "another scheme": "Basic dXNlcjpwYXNz",
    "only the scheme": "Bearer",
    "alg none": token({"alg": "none"}, ""),
    "HS256": token({"alg": "HS256"}, "c2ln"),
    "a path in kid": token({"alg": "RS256", "kid": "../../etc/passwd"}, "c2ln"),
    "not base64": "Bearer a.b.c",
}


@pytest.mark.parametrize("api", ["predict", "control"])
@pytest.mark.parametrize("case", KEYS)
def test_credentials(cloud: Cloud, case: str, api: str) -> None:
    value = KEYS[case]
    headers = {} if value is None else {"authorization": value.replace("KEY-WRONG", cloud.key[:-4] + "AAAA")}
    with cloud.anonymous() as http:
        if api == "predict":
            answer = http.post(cloud.predict_url("bad"), json=[[1]], headers=headers)
        else:
            answer = http.get(cloud.control("/models"), headers=headers)
    assert_problem(answer, 401)
    assert answer.json()["detail"] == "The API key or token is missing or not valid."


def test_a_revoked_key_and_a_missing_scope(cloud: Cloud) -> None:
    made = cloud.post("/keys", {"name": "narrow", "scopes": ["predict"]})
    assert made.status_code == 201, made.text
    key, key_id = made.json()["key"], made.json()["key_id"]
    with cloud.anonymous() as http:
        headers = {"authorization": f"Bearer {key}"}
        assert http.post(cloud.predict_url("bad"), json=[[1.0]], headers=headers).status_code == 200
        assert_problem(http.delete(cloud.control("/models/bad"), headers=headers), 403)
        assert cloud.delete(f"/keys/{key_id}").status_code in (200, 204)
        assert_problem(http.get(cloud.control("/models"), headers=headers), 401)


def test_another_projects_model_is_unknown(cloud: Cloud) -> None:
    assert_problem(cloud.http.get(f"{cloud.url}/v1/projects/other/models/bad"), 404)
    assert_problem(cloud.http.get(f"{cloud.url}/v1/projects/other/models"), 404)


def test_two_authorization_headers(cloud: Cloud) -> None:
    with cloud.anonymous() as http:
        headers = [("authorization", cloud.key), ("authorization", cloud.key)]
        assert_problem(http.post(cloud.predict_url("bad"), json=[[1]], headers=headers), 400)


@pytest.mark.parametrize(
    ("field", "value"), [("cpu", 0), ("memory", 1), ("hardware", "ABACUS"), ("python_version", "2.7"), ("flow", [])]
)
def test_a_bad_spec_is_refused_before_an_upload(cloud: Cloud, field: str, value: Any) -> None:
    spec = {"name": "spec", "flow": [["sklearn", "m.pkl"]], field: value}
    answer = cloud.post("/models/spec/versions", {"spec": spec, "bundle": BUNDLE})
    assert_problem(answer, 422)
    assert field in answer.text


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'{"spec": 1}', b'{"a":1,"a":2}', b"[NaN]"])
def test_control_bodies(cloud: Cloud, body: bytes) -> None:
    answer = cloud.http.post(cloud.control("/models/x/versions"), content=body, headers={"content-type": JSON})
    assert answer.status_code in (400, 422)
    assert_problem(answer, answer.status_code)


def test_the_key_is_in_no_log(cloud: Cloud) -> None:
    secret = cloud.key.rsplit("_", 1)[1]
    logs = [path for path in Path(cloud.home).rglob("*.log") if path.is_file()]
    assert logs
    assert not [path for path in logs if secret in path.read_text(errors="replace")]
