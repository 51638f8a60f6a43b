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
CODINGS = ("gzip", "deflate", "br", "identity, gzip")


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


DATA, END = part("data", "[[1]]"), "--XX--\r\n"
FORMS = {
    "no data part": part("files", "x", "a.txt") + END,
    "no closing boundary": DATA,
    "a thousand parts": DATA + part("files", "x", "a") * 1_000 + END,
    "file name": DATA + part("files", "x", "../../etc/passwd") + END,
    "two data parts": DATA * 2 + END,
    "gap in the numbers": DATA + part("file0", "x", "a") + part("file2", "x", "b") + END,
}
NO_ROWS = (b"7", b'"x"', b"null", b"[[1.0], [1.0, 2.0]]", b"[[1.0, 2.0]]", b"[[]]", b"[]", b"[1.0]", b'[["x"]]')
OTHER_KINDS = ("text/plain", "application/xml", "image/png", "application/jsonp", "multipart/mixed")
FORM = "multipart/form-data; boundary="
BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    **{body.decode(): (body, {}, 422) for body in (*NO_ROWS, b'[{"nope": 1}]')},
    "above the limit": (b"[" + b"0," * 2_500_000 + b"0]", {}, 413),
    "ten million zeros": (b"[[" + b"0," * 9_999_999 + b"0]]", {}, 413),
    **{f"not strict JSON: {name}": (body, {}, 400) for name, body in NOT_STRICT.items()},
    **{kind: (b"[[1]]", {"content-type": kind}, 415) for kind in OTHER_KINDS},
    **{coding: (b"\x1f\x8b" + b"0" * 64, {"content-encoding": coding}, 415) for coding in CODINGS},
    **{f"{size} of headers": (b"[[1]]", {"x-large": "a" * size}, 431) for size in (11_000, 14_000)},
    **{f"form: {name}": (body.encode(), {"content-type": f"{FORM}XX"}, 422) for name, body in FORMS.items()},
    "form: no boundary": ((DATA + END).encode(), {"content-type": "multipart/form-data"}, 422),
    "form: other boundary": ((DATA + END).encode(), {"content-type": f"{FORM}YY"}, 422),
    "form: data is not json": ((part("data", "[[1") + END).encode(), {"content-type": f"{FORM}XX"}, 400),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies(cloud: Cloud, case: str) -> None:
    body, headers, status = BODIES[case]
    answer = cloud.http.post(cloud.predict_url("bad"), content=body, headers={"content-type": JSON, **headers})
    assert_problem(answer, status)


def test_the_expected_count_is_named(cloud: Cloud) -> None:
    assert "1" in cloud.predict("bad", [[1.0, 2.0, 3.0]]).json()["detail"]


UNKNOWN = """
    /v1/{p}/no-such-model/predict /v3/{p}/no-such-model/predict /v1/other/bad/predict /v1/{p}/..%2f..%2fetc/predict
    /v1/{p}/%252e%252e/predict /v1/projects/{p}/models/%2e%2e%2fbad /v1/projects/{p}/models/..%252f..%252fbad
    /etc/passwd /nowhere /v1
"""


@pytest.mark.parametrize("path", UNKNOWN.split())
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


def raw(cloud: Cloud, headers: str, body: bytes) -> bytes:
    """The answer to a request written by hand."""
    target = urlsplit(cloud.predict_url("bad"))
    head = f"POST {target.path} HTTP/1.1\r\nHost: x\r\n{headers.replace('KEY', cloud.key)}\r\n"
    with socket.create_connection((target.hostname or "", target.port or 80), 60) as connection:
        connection.sendall(head.encode("latin-1") + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        ("Authorization: KEY\r\nX-A: b\x00c\r\nContent-Length: 5\r\n", {b"400"}),
        ("Authorization: KEY\r\nContent-Length: five\r\n", {b"400"}),
        ("Authorization: KEY\r\nContent-Length: 5\r\nContent-Length: 6\r\n", {b"400"}),
        ("Authorization: KEY\r\nTransfer-Encoding: chunked\r\n\r\nzz", {b"400"}),
        ("Bad Name: x\r\nContent-Length: 5\r\n", {b"400"}),
        # A body shorter than its length is never served.
        (f"Authorization: KEY\r\nContent-Type: {JSON}\r\nContent-Length: 50\r\n", {b"400", b"408"}),
    ],
)
def test_malformed_requests(cloud: Cloud, headers: str, statuses: set[bytes]) -> None:
    answer = raw(cloud, headers, b"[[1]]")
    assert not answer or answer.split(b"\r\n", 1)[0].split(b" ")[1] in statuses, answer[:200]


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
