"""Bad input at the running cloud's doors gets its status, a problem body, and takes nothing down.

Numbers are the classes of bad input that the gateway and the control API must answer.
"""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from modelcote import model_type
from tests.local.cloud import Cloud
from tests.local.test_versions import constant_model

pytestmark = pytest.mark.local

JSON = "application/json"


@pytest.fixture(scope="module", autouse=True)
def model(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = constant_model(tmp_path_factory.mktemp("bad"), 7)
    cloud.conduit("bad", (model_type.SKLEARN, str(path)), compile=False).deploy()
    return "bad"


@pytest.fixture(autouse=True)
def still_alive(cloud: Cloud) -> Any:
    yield
    assert cloud.predict("bad", [[1.0]]).json()["result"] == [7.0]


def check(response: Any, status: int) -> None:
    assert response.status_code == status, (response.status_code, response.text[:500])
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["remedy"]
    assert problem["request_id"]
    assert "Traceback" not in response.text


BODIES = {
    "1 empty": (b"", 400),
    "1 white space": (b"  \n", 400),
    "2 not json": (b"not json", 400),
    "2 truncated": (b"[[1, 2", 400),
    "2 two values": (b"[1] [2]", 400),
    "2 trailing comma": (b"[[1,]]", 400),
    "2 a number": (b"7", 422),
    "2 a string": (b'"x"', 422),
    "2 null": (b"null", 422),
    "3 NaN": (b"[[NaN]]", 400),
    "3 Infinity": (b"[[Infinity]]", 400),
    "3 -Infinity": (b"[[-Infinity]]", 400),
    "4 duplicate keys": (b'[{"a": 1, "a": 2}]', 400),
    "4 duplicate keys, deep": (b'[[{"x": {"a": 1, "\\u0061": 2}}]]', 400),
    "5 depth lists": (b"[" * 10_000 + b"]" * 10_000, 400),
    "5 depth objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "6 1e400": (b"[[1e400]]", 400),
    "6 -1e999": (b"[[-1e999]]", 400),
    "6 long integer": (b"[[" + b"9" * 5_000 + b"]]", 400),
    "7 lone surrogate": (b'[["\\ud800"]]', 400),
    "7 reversed pair": (b'[["\\udc00\\ud800"]]', 400),
    "7 NUL": (b'[["\x00"]]', 400),
    "7 escaped NUL": (b'[["\\u0000"]]', 400),
    "7 invalid utf-8": (b'[["\xff\xfe"]]', 400),
    "7 overlong utf-8": (b'[["\xc0\xaf"]]', 400),
    "9 above the limit": (b"[" + b"0," * 2_500_000 + b"0]", 413),
    "12 ragged": (b"[[1.0], [1.0, 2.0]]", 422),
    "12 too many features": (b"[[1.0, 2.0]]", 422),
    "12 no features": (b"[[]]", 422),
    "12 no rows": (b"[]", 422),
    "12 flat": (b"[1.0]", 422),
    "12 text": (b'[["x"]]', 422),
    "12 object": (b'[{"nope": 1}]', 422),
    "13 ten million zeros": (b"[[" + b"0," * 9_999_999 + b"0]]", 413),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies(cloud: Cloud, case: str) -> None:
    body, status = BODIES[case]
    check(cloud.http.post(cloud.predict_url("bad"), content=body, headers={"content-type": JSON}), status)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "image/png", "application/jsonp", "multipart/mixed"])
def test_8_wrong_content_type(cloud: Cloud, kind: str) -> None:
    check(cloud.http.post(cloud.predict_url("bad"), content=b"[[1]]", headers={"content-type": kind}), 415)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
def test_11_a_compressed_body(cloud: Cloud, coding: str) -> None:
    headers = {"content-type": JSON, "content-encoding": coding}
    answer = cloud.http.post(cloud.predict_url("bad"), content=b"\x1f\x8b" + b"0" * 64, headers=headers)
    check(answer, 415)


def test_12_the_expected_count_is_named(cloud: Cloud) -> None:
    assert "1" in cloud.predict("bad", [[1.0, 2.0, 3.0]]).json()["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/{p}/no-such-model/predict", "/v3/{p}/no-such-model/predict", "/v1/other/bad/predict"]
)
def test_14_unknown_model(cloud: Cloud, path: str) -> None:
    check(cloud.http.post(cloud.url + path.format(p=cloud.project), json=[[1]]), 404)


@pytest.mark.parametrize("name", ["../x", "model\u0430", "a" * 21, "a" * 5_000, "UPPER", "a b", ""])
def test_15_bad_names(cloud: Cloud, name: str) -> None:
    spec = {"name": name, "flow": [["sklearn", "m.pkl"]]}
    bundle = {"sha256": "0" * 64, "bytes": 10}
    check(cloud.post("/models/some-name/versions", {"spec": spec, "bundle": bundle}), 422)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_16_unknown_method(cloud: Cloud, method: str) -> None:
    answer = cloud.http.request(method, cloud.predict_url("bad"))
    check(answer, 405)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_16_unknown_method_on_control(cloud: Cloud, method: str) -> None:
    check(cloud.http.request(method, f"{cloud.url}/v1/projects/{cloud.project}/models"), 405)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/{p}/..%2f..%2fetc/predict",
        "/v1/{p}/%252e%252e/predict",
        "/v1/projects/{p}/models/%2e%2e%2fbad",
        "/v1/projects/{p}/models/..%252f..%252fbad",
        "/etc/passwd",
        "/nowhere",
        "/v1",
    ],
)
def test_17_traversal_and_unknown_paths(cloud: Cloud, path: str) -> None:
    check(cloud.http.post(cloud.url + path.format(p=cloud.project), json=[[1]]), 404)


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
def test_10_and_18_malformed_requests(cloud: Cloud, head: str) -> None:
    answer = raw(cloud, head, b"[[1]]")
    assert not answer or answer.split(b"\r\n", 1)[0].split(b" ")[1] == b"400", answer[:200]


def test_10_a_body_shorter_than_its_length_is_never_served(cloud: Cloud) -> None:
    head = f"POST PATH HTTP/1.1\r\nHost: x\r\nAuthorization: KEY\r\nContent-Type: {JSON}\r\nContent-Length: 50\r\n\r\n"
    answer = raw(cloud, head, b"[[1]]")
    assert not answer or answer.split(b"\r\n", 1)[0].split(b" ")[1] in (b"400", b"408"), answer[:200]


@pytest.mark.parametrize("size", [11_000, 14_000])
def test_19_headers_too_large(cloud: Cloud, size: int) -> None:
    check(cloud.http.post(cloud.predict_url("bad"), json=[[1]], headers={"x-large": "a" * size}), 431)


def part(name: str, content: str, filename: str | None = None) -> str:
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{content}\r\n'


FORMS = {
    "20 no boundary": ("multipart/form-data", part("data", "[[1]]") + "--XX--\r\n", 422),
    "20 no data part": ("multipart/form-data; boundary=XX", part("files", "x", "a.txt") + "--XX--\r\n", 422),
    "20 no closing boundary": ("multipart/form-data; boundary=XX", part("data", "[[1]]"), 422),
    "20 other boundary": ("multipart/form-data; boundary=YY", part("data", "[[1]]") + "--XX--\r\n", 422),
    "20 a thousand parts": (
        "multipart/form-data; boundary=XX",
        part("data", "[[1]]") + part("files", "x", "a") * 1_000 + "--XX--\r\n",
        422,
    ),
    "20 file name": (
        "multipart/form-data; boundary=XX",
        part("data", "[[1]]") + part("files", "x", "../../etc/passwd") + "--XX--\r\n",
        422,
    ),
    "20 data is not json": ("multipart/form-data; boundary=XX", part("data", "[[1") + "--XX--\r\n", 400),
    "20 two data parts": ("multipart/form-data; boundary=XX", part("data", "[[1]]") * 2 + "--XX--\r\n", 422),
    "20 gap in the numbers": (
        "multipart/form-data; boundary=XX",
        part("data", "[[1]]") + part("file0", "x", "a") + part("file2", "x", "b") + "--XX--\r\n",
        422,
    ),
}


@pytest.mark.parametrize("case", FORMS)
def test_20_multipart(cloud: Cloud, case: str) -> None:
    kind, body, status = FORMS[case]
    check(cloud.http.post(cloud.predict_url("bad"), content=body.encode(), headers={"content-type": kind}), status)


def b64(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


UNSIGNED = b64({"alg": "none"}) + "." + b64({"iss": "x", "aud": "y"}) + "."
KEYS = {
    "22 none": None,
    "22 empty": "",
    "23 malformed": "mc_nonsense",
    "23 unknown": "mc_0000000000000000_" + "A" * 43,
    "23 wrong secret": "KEY-WRONG",
    "23 another scheme": "Basic dXNlcjpwYXNz",
    "23 only the scheme": "Bearer",
    "26 alg none": f"Bearer {UNSIGNED}",
    "26 HS256": "Bearer " + b64({"alg": "HS256"}) + "." + b64({"iss": "x"}) + ".c2ln",
    "26 a path in kid": "Bearer "
    + b64({"alg": "RS256", "kid": "../../etc/passwd"})
    + "."
    + b64({"iss": "x"})
    + ".c2ln",
    "26 not base64": "Bearer a.b.c",
}


@pytest.mark.parametrize("door", ["predict", "control"])
@pytest.mark.parametrize("case", KEYS)
def test_22_to_26_credentials(cloud: Cloud, case: str, door: str) -> None:
    value = KEYS[case]
    headers = {} if value is None else {"authorization": value.replace("KEY-WRONG", cloud.key[:-4] + "AAAA")}
    with cloud.anonymous() as http:
        if door == "predict":
            answer = http.post(cloud.predict_url("bad"), json=[[1]], headers=headers)
        else:
            answer = http.get(f"{cloud.url}/v1/projects/{cloud.project}/models", headers=headers)
    check(answer, 401)
    assert answer.json()["detail"] == "The API key or token is missing or not valid."


def test_23_a_revoked_key_and_25_a_missing_scope(cloud: Cloud) -> None:
    made = cloud.post("/keys", {"name": "narrow", "scopes": ["predict"]})
    assert made.status_code == 201, made.text
    key, key_id = made.json()["key"], made.json()["key_id"]
    with cloud.anonymous() as http:
        headers = {"authorization": f"Bearer {key}"}
        assert http.post(cloud.predict_url("bad"), json=[[1.0]], headers=headers).status_code == 200
        check(http.delete(f"{cloud.url}/v1/projects/{cloud.project}/models/bad", headers=headers), 403)
        assert cloud.delete(f"/keys/{key_id}").status_code in (200, 204)
        check(http.get(f"{cloud.url}/v1/projects/{cloud.project}/models", headers=headers), 401)


def test_24_another_projects_model_is_unknown(cloud: Cloud) -> None:
    check(cloud.http.get(f"{cloud.url}/v1/projects/other/models/bad"), 404)
    check(cloud.http.get(f"{cloud.url}/v1/projects/other/models"), 404)


def test_27_two_authorization_headers(cloud: Cloud) -> None:
    with cloud.anonymous() as http:
        headers = [("authorization", cloud.key), ("authorization", cloud.key)]
        check(http.post(cloud.predict_url("bad"), json=[[1]], headers=headers), 400)


@pytest.mark.parametrize(
    ("field", "value"), [("cpu", 0), ("memory", 1), ("hardware", "ABACUS"), ("python_version", "2.7"), ("flow", [])]
)
def test_a_bad_spec_is_refused_before_an_upload(cloud: Cloud, field: str, value: Any) -> None:
    spec = {"name": "spec", "flow": [["sklearn", "m.pkl"]], field: value}
    answer = cloud.post("/models/spec/versions", {"spec": spec, "bundle": {"sha256": "0" * 64, "bytes": 10}})
    check(answer, 422)
    assert field in answer.text


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'{"spec": 1}', b'{"a":1,"a":2}', b"[NaN]"])
def test_control_bodies(cloud: Cloud, body: bytes) -> None:
    answer = cloud.http.post(
        f"{cloud.url}/v1/projects/{cloud.project}/models/x/versions", content=body, headers={"content-type": JSON}
    )
    assert answer.status_code in (400, 422)
    check(answer, answer.status_code)


def test_the_key_is_in_no_log(cloud: Cloud) -> None:
    secret = cloud.key.rsplit("_", 1)[1]
    logs = [path for path in Path(cloud.home).rglob("*.log") if path.is_file()]
    assert logs
    assert not [path for path in logs if secret in path.read_text(errors="replace")]
