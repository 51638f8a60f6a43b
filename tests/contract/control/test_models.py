"""The native routes: a model's way from its spec to serving, back to an earlier version, and away."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime

from modelcote.core.errors import DeployFailed
from modelcote.core.spec import spec_to_dict
from modelcote.core.target import LAMBDA, Target
from modelcote.registry import deploys, outcomes, versions
from tests.contract.control.stand import PROJECT, URL, Stand, a_bundle, check_problem
from tests.support.specs import a_spec


def test_from_a_spec_to_a_deploy_that_succeeds(stand: Stand) -> None:
    created = stand.create()
    assert created.status_code == 201
    assert created.json()["version"] == 1
    assert created.json()["upload"]["method"] == "PUT"
    assert created.json()["upload"]["headers"] == {"content-type": "application/zip"}
    version = stand.upload(created)
    answer = stand.call("POST", f"/models/iris/versions/{version}/deploy", json={})
    assert answer.status_code == 202
    deploy_id = answer.json()["deploy_id"]
    assert answer.json()["status_url"] == f"{URL}/v1/projects/{PROJECT}/deploys/{deploy_id}"

    path = answer.json()["status_url"].removeprefix(URL)
    queued = stand.raw("GET", path).json()
    assert (queued["state"], queued["lines"], queued["next"], queued["error"]) == ("QUEUED", [], 0, None)
    assert (queued["model"], queued["version"], queued["kind"]) == ("iris", 1, "deploy")
    row = versions.get(stand.registry, PROJECT, "iris", 1)
    assert row.bundle_sha256 == hashlib.sha256(a_bundle()).hexdigest()
    kept = stand.registry.s3.get_object(Bucket=stand.registry.bucket, Key=row.bundle_key)["Body"].read()
    assert kept == a_bundle()
    uploads = stand.registry.s3.list_objects_v2(Bucket=stand.registry.bucket, Prefix="uploads/")
    assert uploads["KeyCount"] == 0

    for text in ("building", "built"):
        deploys.append_log(stand.registry, PROJECT, deploy_id, text)
    running = stand.raw("GET", path, params={"after": 1}).json()
    assert [(line["n"], line["text"]) for line in running["lines"]] == [(2, "built")]
    assert running["next"] == 2
    deploy = outcomes.begin(stand.registry, PROJECT, deploy_id)
    assert deploy
    outcomes.mark_failed(stand.registry, deploy, DeployFailed("no wheel.", "Pin another."))
    failed = stand.raw("GET", path).json()
    assert (failed["state"], failed["error"]["code"], failed["error"]["detail"]) == (
        "FAILED",
        "deploy_failed",
        "no wheel.",
    )
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
    assert version == stand.call("GET", "/models/iris/versions/1").json()
    assert (version["state"], version["bytes"]) == ("READY", len(a_bundle()))
    assert version["spec"] == spec_to_dict(a_spec())
    assert version["compile_report"]["used"] is True


def test_rollback_by_number_and_to_the_one_before(stand: Stand) -> None:
    for _ in range(3):
        stand.ready()
    for body, expected in (({"version": 1}, 1), ({}, 3), ({"version": None}, 1)):
        answer = stand.call("POST", "/models/iris/rollback", json=body)
        assert answer.status_code == 202, answer.text
        deploy = outcomes.begin(stand.registry, PROJECT, answer.json()["deploy_id"])
        assert deploy
        assert (deploy.version, deploy.kind) == (expected, "rollback")
        outcomes.mark_ready(stand.registry, deploy, Target(LAMBDA, "f"))
        assert stand.call("GET", "/models/iris").json()["current_version"] == expected
    answer = stand.call("POST", "/models/iris/rollback")
    assert deploys.get(stand.registry, PROJECT, answer.json()["deploy_id"]).version == 3
    states = {row["version"]: row["state"] for row in stand.call("GET", "/models/iris/versions").json()["versions"]}
    assert states == {1: "READY", 2: "ARCHIVED", 3: "ARCHIVED"}


def test_rollback_where_there_is_nothing_to_go_back_to(stand: Stand) -> None:
    check_problem(stand.call("POST", "/models/iris/rollback", json={}), 404)
    stand.ready()
    check_problem(stand.call("POST", "/models/iris/rollback", json={}), 409)
    check_problem(stand.call("POST", "/models/iris/rollback", json={"version": 9}), 404)
    stand.create()
    check_problem(stand.call("POST", "/models/iris/rollback", json={"version": 2}), 409)
    for wrong in ({"version": "1"}, {"version": 1.5}, {"versions": 1}, [], 7):
        check_problem(stand.call("POST", "/models/iris/rollback", json=wrong), 422)


def test_deletion_is_asked_for_once_and_repeated_at_will(stand: Stand) -> None:
    check_problem(stand.call("DELETE", "/models/iris"), 404)
    stand.ready()
    first = stand.call("DELETE", "/models/iris")
    assert first.status_code == 202
    assert stand.call("DELETE", "/models/iris").json() == first.json()
    check_problem(stand.create(), 409)
    deploy = outcomes.begin(stand.registry, PROJECT, first.json()["deploy_id"])
    assert deploy
    outcomes.forget(stand.registry, deploy)
    assert stand.raw("GET", first.json()["status_url"].removeprefix(URL)).json()["state"] == "SUCCEEDED"
    for call in (("GET", "/models/iris"), ("DELETE", "/models/iris"), ("GET", "/models/iris/versions")):
        check_problem(stand.call(*call), 404)


def test_the_same_deploy_asked_for_twice_is_one(stand: Stand) -> None:
    version = stand.upload(stand.create())
    path = f"/models/iris/versions/{version}/deploy"
    assert stand.call("POST", path).json() == stand.call("POST", path).json()


def test_deploys_that_cannot_be(stand: Stand) -> None:
    check_problem(stand.call("POST", "/models/iris/versions/1/deploy"), 404)
    stand.create()
    problem = check_problem(stand.call("POST", "/models/iris/versions/1/deploy"), 409)
    assert "not been uploaded" in problem["detail"]
    for number in ("0", "2", "-1", "1.0", "x", "999999999", "00000000000000001", "%31x"):
        check_problem(stand.call("POST", f"/models/iris/versions/{number}/deploy"), 404)


def test_an_upload_that_is_not_what_was_announced(stand: Stand) -> None:
    for content in (a_bundle()[:-1], a_bundle() + b"x", b"x" * len(a_bundle()), b""):
        version = stand.upload(stand.create(), content)
        path = f"/models/iris/versions/{version}"
        problem = check_problem(stand.call("POST", f"{path}/deploy"), 422)
        assert problem["code"] == "invalid_bundle"
        row = stand.call("GET", path).json()
        assert (row["state"], row["message"]) == ("FAILED", f"{problem['detail']} {problem['remedy']}")
        check_problem(stand.call("POST", f"{path}/deploy"), 409)
    assert stand.registry.s3.list_objects_v2(Bucket=stand.registry.bucket)["KeyCount"] == 0


def test_another_bundle_than_the_one_announced(stand: Stand) -> None:
    version = stand.upload(stand.create(bundle=b"x" * len(a_bundle())))
    problem = check_problem(stand.call("POST", f"/models/iris/versions/{version}/deploy"), 422)
    assert "sha256" in problem["detail"]


def test_an_upload_that_is_no_bundle(stand: Stand) -> None:
    version = stand.upload(stand.create(bundle=b"not a zip"), b"not a zip")
    check_problem(stand.call("POST", f"/models/iris/versions/{version}/deploy"), 422)


def test_logs(stand: Stand) -> None:
    check_problem(stand.call("GET", "/models/iris/logs"), 404)
    stand.create()
    assert stand.call("GET", "/models/iris/logs").json() == {"lines": []}
    stand.ready()
    assert stand.call("GET", "/models/iris/logs").json() == {"lines": []}
    group, now = f"/aws/lambda/local_{PROJECT}_iris", int(time.time() * 1000)
    stand.services.logs.create_log_group(logGroupName=group)
    try:
        for stream in ("a", "b"):
            stand.services.logs.create_log_stream(logGroupName=group, logStreamName=stream)
            stand.services.logs.put_log_events(
                logGroupName=group,
                logStreamName=stream,
                logEvents=[
                    {"timestamp": now - 7_200_000, "message": f"old {stream}"},
                    {"timestamp": now - (2 if stream == "a" else 1), "message": f"new {stream}\n"},
                ],
            )
        texts = [line["text"] for line in stand.call("GET", "/models/iris/logs").json()["lines"]]
        assert texts == ["new a", "new b"]
        everything = stand.call("GET", "/models/iris/logs", params={"since": "1d", "limit": 3}).json()["lines"]
        assert [line["text"] for line in everything][1:] == ["new a", "new b"]
        later = datetime.fromtimestamp(now / 1000 + 60, UTC).isoformat()
        assert stand.call("GET", "/models/iris/logs", params={"since": later}).json() == {"lines": []}
    finally:
        stand.services.logs.delete_log_group(logGroupName=group)
    for wrong in ({"since": "yesterday"}, {"since": "1y"}, {"limit": 0}, {"limit": "x"}, {"since": "9" * 30}):
        check_problem(stand.call("GET", "/models/iris/logs", params=wrong), 422)
