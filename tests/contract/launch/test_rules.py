"""What the dialect refuses, and in what shape."""

from __future__ import annotations

import base64
import json
from itertools import product

from tests.contract.launch.stand import CREATE, NOBODY, Launch

BAD_BODIES = [b"", b"{", b"[]", b'"x"', b'{"args":{"x":NaN}}', b'{"args":{},"args":{}}', b"\xff", b"[" * 10_000]


def test_a_body_that_is_no_object(launch: Launch) -> None:
    endpoint_id = launch.create()
    paths = ("/model-endpoints", f"/async-tasks?model_endpoint_id={endpoint_id}")
    for path, body in product(paths, BAD_BODIES):
        launch.refused(422 if body in (b"[]", b'"x"') else 400, "POST", path, content=body)
        launch.refused(415, "POST", path, content=body, headers={"content-type": "text/plain"})
    launch.refused(413, "POST", paths[1], content=json.dumps({"args": {"x": "x" * 1_100_000}}))


def test_paths_and_methods(launch: Launch) -> None:
    assert "model_endpoint_id" in launch.refused(422, "POST", "/async-tasks", json={"args": {}})
    launch.refused(405, "PATCH", "/model-endpoints")
    launch.refused(405, "GET", f"/model-endpoints/{NOBODY}")
    launch.refused(404, "GET", "/model-endpoints/a/b/c")
    launch.refused(431, "GET", "/model-endpoints", headers={"x-long": "x" * 11_000})
    assert launch.listed("x" * 5_000) == launch.listed("\0") == []


BAD_HEADERS: list[str | None] = [
    None,
    "",
    "Basic",
    "Basic !!!",
    "Basic /w==",
    "Basic " + base64.b64encode(b":").decode(),
    "Basic " + base64.b64encode(b"mc_0123456789abcdef_" + b"x" * 43 + b":").decode(),
    "Basic " + base64.b64encode(b"x" * 9_000 + b":").decode(),
    "Digest x",
]


def test_who_is_nobody(launch: Launch) -> None:
    asked = (("GET", "/model-endpoints"), ("POST", "/async-tasks"), ("GET", f"/async-tasks/{'0' * 32}"))
    for header, (method, path) in product(BAD_HEADERS, asked):
        headers = {} if header is None else {"authorization": header}
        answer = launch.call(method, path, key=None, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Basic")
        said = "The API key is missing or not valid. Send it as the user name of HTTP Basic, with an empty password."
        assert answer.json() == {"detail": said}


def test_a_key_that_is_not_sent_as_a_user_name(launch: Launch) -> None:
    key = launch.front.stand.keys["all"]
    for sent in (key, f"Bearer {key}"):
        assert launch.call("GET", "/model-endpoints", key=None, headers={"authorization": sent}).status_code == 401
    launch.refused(400, "GET", "/model-endpoints", key=None, headers={"authorization": f"Basic a, Basic {key}"})


def test_scopes(launch: Launch) -> None:
    endpoint_id, keys = launch.create(), launch.front.stand.keys
    task = launch.task(endpoint_id)
    path = f"/model-endpoints/{endpoint_id}"
    for scope in ("predict", "deploy", "admin"):
        assert launch.call("GET", "/model-endpoints", key=keys[scope]).status_code == 200
    launch.refused(403, "POST", "/model-endpoints", key=keys["predict"], json=CREATE)
    launch.refused(403, "PUT", path, key=keys["predict"], json={})
    launch.refused(403, "DELETE", path, key=keys["predict"])
    launch.task_refused(403, endpoint_id, key=keys["deploy"])
    launch.refused(403, "GET", f"/async-tasks/{task}", key=keys["deploy"])
    assert launch.task(endpoint_id, key=keys["predict"])
