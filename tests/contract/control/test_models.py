"""The native routes: a model's way from its spec to serving, back to an earlier version, and away."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from modelcote.core.errors import DeployFailed
from modelcote.core.flow import Flow, Processor, Stage
from modelcote.core.inputs import FRAME, MATRIX, Column, Inputs, json_schema
from modelcote.core.runtimes import ModelType
from modelcote.core.spec import spec_to_dict
from modelcote.core.target import LAMBDA, Target
from modelcote.registry import deploys, outcomes, versions
from tests.contract.control.stand import PROJECT, URL, Stand, a_bundle, check_problem
from tests.support.registered import INPUTS, requested, running
from tests.support.specs import a_package, a_spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def test_from_a_spec_to_a_deploy_that_succeeds(stand: Stand) -> None:
    created = stand.create()
    assert (created.status_code, created.json()["version"]) == (201, 1)
    upload = created.json()["upload"]
    assert (upload["method"], upload["headers"]) == ("PUT", {"content-type": "application/zip"})
    version = stand.upload(created)
    answer = stand.ok("POST", f"/models/iris/versions/{version}/deploy", 202, json={})
    deploy_id, path = answer["deploy_id"], f"/deploys/{answer['deploy_id']}"
    assert answer["status_url"] == f"{URL}/v1/projects/{PROJECT}{path}"

    queued = stand.ok("GET", path)
    assert (queued["state"], queued["lines"], queued["next"], queued["error"]) == ("QUEUED", [], 0, None)
    assert (queued["model"], queued["version"], queued["kind"]) == ("iris", 1, "deploy")
    row = versions.get(stand.registry, PROJECT, "iris", 1)
    assert row.bundle_sha256 == hashlib.sha256(a_bundle()).hexdigest()
    kept = stand.registry.s3.get_object(Bucket=stand.registry.bucket, Key=row.bundle_key)["Body"].read()
    assert kept == a_bundle()
    assert stand.registry.s3.list_objects_v2(Bucket=stand.registry.bucket, Prefix="uploads/")["KeyCount"] == 0

    for text in ("building", "built"):
        deploys.append_log(stand.registry, PROJECT, deploy_id, text)
    running = stand.ok("GET", path, params={"after": 1})
    assert ([(line["n"], line["text"]) for line in running["lines"]], running["next"]) == ([(2, "built")], 2)
    outcomes.mark_failed(stand.registry, stand.begin(deploy_id), DeployFailed("no wheel.", "Pin another."))
    failed = stand.ok("GET", path)
    error = failed["error"]
    assert (failed["state"], error["code"], error["detail"]) == ("FAILED", "deploy_failed", "no wheel.")
    assert failed["predict_url"] == f"{URL}/v1/{PROJECT}/iris/predict"


def test_what_is_there(stand: Stand) -> None:
    assert stand.call("GET", "/models").json() == {"models": []}
    stand.ready()
    (listed,) = stand.call("GET", "/models").json()["models"]
    assert listed == stand.call("GET", "/models/iris").json()
    assert (listed["name"], listed["state"], listed["current_version"]) == ("iris", "READY", 1)
    assert (listed["runtime"], listed["compiled"]) == ("onnx", True)
    assert listed["predict_url"] == f"{URL}/v1/{PROJECT}/iris/predict"
    (version,) = stand.call("GET", "/models/iris/versions").json()["versions"]
    detail = stand.call("GET", "/models/iris/versions/1").json()
    assert detail == {**version, "input_schema": {"$schema": DIALECT, **json_schema(INPUTS)}}
    assert (version["state"], version["bytes"]) == ("READY", len(a_bundle()))
    assert version["spec"] == spec_to_dict(a_spec())
    assert version["compile_report"]["used"] is True


@pytest.mark.parametrize(
    ("inputs", "pre", "schema"),
    [
        (None, None, None),
        (Inputs(FRAME, 3000, tuple(Column(f"c{place}") for place in range(3000))).to_dict(), None, None),
        (Inputs(FRAME, 1, (Column("\ud800"),)).to_dict(), None, None),
        (Inputs(MATRIX, 2).to_dict(), Processor("pre", "def pre(data): return data"), {"$schema": DIALECT}),
    ],
    ids=["an earlier version's row", "more than 32 KB", "not Unicode", "a processor of the request"],
)
def test_inputs_that_no_schema_describes(stand: Stand, inputs: Any, pre: Processor | None, schema: Any) -> None:
    flow = Flow((Stage(ModelType.SKLEARN_CLASSIFIER, "model.pkl", pre),))
    deploy = running(stand.registry, requested(stand.registry, flow=flow))
    outcomes.mark_built(stand.registry, deploy, a_package(), "sklearn", None, inputs)
    assert stand.ok("GET", "/models/iris/versions/1")["input_schema"] == schema


def test_rollback_by_number_and_to_the_one_before(stand: Stand) -> None:
    for _ in range(3):
        stand.ready()
    for body, expected in (({"version": 1}, 1), ({}, 3), ({"version": None}, 1)):
        deploy = stand.begin(stand.ok("POST", "/models/iris/rollback", 202, json=body)["deploy_id"])
        assert (deploy.version, deploy.kind) == (expected, "rollback")
        outcomes.mark_ready(stand.registry, deploy, Target(LAMBDA, "f"))
        assert stand.call("GET", "/models/iris").json()["current_version"] == expected
    answer = stand.ok("POST", "/models/iris/rollback", 202)
    assert deploys.get(stand.registry, PROJECT, answer["deploy_id"]).version == 3
    states = {row["version"]: row["state"] for row in stand.call("GET", "/models/iris/versions").json()["versions"]}
    assert states == {1: "READY", 2: "ARCHIVED", 3: "ARCHIVED"}


def test_rollback_where_there_is_nothing_to_go_back_to(stand: Stand) -> None:
    path = "/models/iris/rollback"
    stand.refused(404, "POST", path, json={})
    stand.ready()
    stand.create()
    for status, body in ((409, {}), (404, {"version": 9}), (409, {"version": 2})):
        stand.refused(status, "POST", path, json=body)
    for wrong in ({"version": "1"}, {"version": 1.5}, {"versions": 1}, [], 7):
        stand.refused(422, "POST", path, json=wrong)


def test_deletion_is_asked_for_once_and_repeated_at_will(stand: Stand) -> None:
    check_problem(stand.call("DELETE", "/models/iris"), 404)
    stand.ready()
    first = stand.ok("DELETE", "/models/iris", 202)
    assert stand.ok("DELETE", "/models/iris", 202) == first
    check_problem(stand.create(), 409)
    outcomes.forget(stand.registry, stand.begin(first["deploy_id"]))
    assert stand.raw("GET", first["status_url"].removeprefix(URL)).json()["state"] == "SUCCEEDED"
    for call in (("GET", "/models/iris"), ("DELETE", "/models/iris"), ("GET", "/models/iris/versions")):
        check_problem(stand.call(*call), 404)


def test_deploys_that_cannot_be_and_one_that_is_requested_twice(stand: Stand) -> None:
    path = "/models/iris/versions/1/deploy"
    stand.refused(404, "POST", path)
    created = stand.create()
    assert "not been uploaded" in stand.refused(409, "POST", path)["detail"]
    for number in ("0", "2", "-1", "1.0", "x", "999999999", "00000000000000001", "%31x"):
        stand.refused(404, "POST", f"/models/iris/versions/{number}/deploy")
    stand.upload(created)
    assert stand.ok("POST", path, 202) == stand.ok("POST", path, 202)


def test_an_upload_that_is_not_what_was_announced(stand: Stand) -> None:
    for content in (a_bundle()[:-1], a_bundle() + b"x", b"x" * len(a_bundle()), b""):
        version = stand.upload(stand.create(), content)
        path = f"/models/iris/versions/{version}"
        problem = stand.refused(422, "POST", f"{path}/deploy")
        assert problem["code"] == "invalid_bundle"
        row = stand.call("GET", path).json()
        assert (row["state"], row["message"]) == ("FAILED", f"{problem['detail']} {problem['remedy']}")
        check_problem(stand.call("POST", f"{path}/deploy"), 409)
    assert stand.registry.s3.list_objects_v2(Bucket=stand.registry.bucket)["KeyCount"] == 0


def test_another_bundle_than_the_one_announced_and_one_that_is_none(stand: Stand) -> None:
    version = stand.upload(stand.create(bundle=b"x" * len(a_bundle())))
    assert "sha256" in stand.refused(422, "POST", f"/models/iris/versions/{version}/deploy")["detail"]
    version = stand.upload(stand.create(bundle=b"not a zip"), b"not a zip")
    stand.refused(422, "POST", f"/models/iris/versions/{version}/deploy")


def test_logs(stand: Stand) -> None:
    logs, path = stand.services.logs, "/models/iris/logs"

    def texts(**query: Any) -> list[str]:
        return [line["text"] for line in stand.ok("GET", path, params=query)["lines"]]

    stand.refused(404, "GET", path)
    stand.create()
    assert texts() == []
    stand.ready()
    assert texts() == []
    group, now = f"/aws/lambda/local_{PROJECT}_iris", int(time.time() * 1000)
    logs.create_log_group(logGroupName=group)
    try:
        for stream, age in (("a", 2), ("b", 1)):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            old = {"timestamp": now - 7_200_000, "message": f"old {stream}"}
            new = {"timestamp": now - age, "message": f"new {stream}\n"}
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[old, new])
        assert texts() == ["new a", "new b"]
        assert texts(since="1d", limit=3)[1:] == ["new a", "new b"]
        assert texts(since=datetime.fromtimestamp(now / 1000 + 60, UTC).isoformat()) == []
    finally:
        logs.delete_log_group(logGroupName=group)
    for wrong in ({"since": "yesterday"}, {"since": "1y"}, {"limit": 0}, {"limit": "x"}, {"since": "9" * 30}):
        stand.refused(422, "GET", path, params=wrong)
