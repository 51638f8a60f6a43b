"""The Conduit deploy dialect, byte for byte as its clients speak it."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from modelcote.core.errors import DeployFailed
from modelcote.core.hardware import Hardware
from modelcote.core.target import LAMBDA, Target
from modelcote.registry import deploys, models, outcomes, versions
from tests.contract.control.stand import PROJECT, URL, Stand, a_bundle, a_pickle, a_zip, check_problem
from tests.support.specs import a_package

CANARY = "foreign-api-key-canary"
FIELDS = {
    "name": "iris", "cerebrium_version": "1.0", "hardware": "CPU", "source": "conduit", "cooldown": 30,
    "min_replicas": 0, "max_replicas": 2, "python_version": "3.11", "cpu": 2, "memory": 8.0, "force_rebuild": False,
}  # fmt: skip


def start(stand: Stand, **fields: Any) -> httpx.Response:
    content, headers = json.dumps({**FIELDS, **fields}).encode(), {"authorization": stand.keys["deploy"]}
    request = stand.http.build_request("POST", "/deploy", content=content, headers=headers)
    assert "content-type" not in request.headers
    return stand.http.send(request)


def upload(answer: httpx.Response, bundle: bytes) -> None:
    put = httpx.put(answer.json()["uploadUrl"], content=bundle, headers={"Content-Type": "application/zip"})
    assert (put.status_code, put.content) == (200, b"")


def poll(stand: Stand, answer: httpx.Response) -> dict[str, Any]:
    got = stand.raw("GET", "/streamBuildLogs", params={"buildId": answer.json()["buildId"]})
    assert got.status_code == 200, got.text
    state: dict[str, Any] = got.json()
    assert state["logs"]
    assert all(line.endswith("\n") for line in state["logs"])
    return state


def sent(stand: Stand, bundle: bytes) -> tuple[httpx.Response, dict[str, Any]]:
    """A deploy with this bundle, and its state."""
    answer = start(stand)
    upload(answer, bundle)
    return answer, poll(stand, answer)


def test_from_deploy_to_success(stand: Stand) -> None:
    answer = start(stand)
    assert answer.status_code == 200
    made = {name: answer.json()[name] for name in ("uploadUrl", "buildId")}
    endpoint = f"{URL}/v1/{PROJECT}/iris/predict"
    assert answer.json() == {**made, "projectId": PROJECT, "internalEndpoint": endpoint}
    assert poll(stand, answer)["status"] == "pending"
    upload(answer, a_bundle())
    assert poll(stand, answer)["status"] == "building"

    version = versions.get(stand.registry, PROJECT, "iris", 1)
    spec = version.spec
    assert [stage.file for stage in spec.flow.stages] == ["model.pkl"]
    assert (spec.cpu, spec.memory, spec.cooldown, spec.max_replicas) == (2, 8.0, 30, 2)
    assert (spec.hardware, spec.python_version, spec.trusted) == (Hardware.CPU, "3.11", False)

    deploy = stand.begin(version.deploy_id)
    deploys.append_log(stand.registry, PROJECT, deploy.deploy_id, "built")
    assert poll(stand, answer)["logs"][-1] == "built\n"
    outcomes.mark_built(stand.registry, deploy, a_package(), "onnx")
    outcomes.mark_ready(stand.registry, deploy, Target(LAMBDA, "f"))
    assert poll(stand, answer)["status"] == "success"


def test_polls_at_once_start_one_build(stand: Stand) -> None:
    answer = start(stand)
    upload(answer, a_bundle())
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: poll(stand, answer)["status"], range(4)))
    assert states == ["building"] * 4
    sqs, url = stand.registry.sqs, stand.registry.queue_url
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
    assert len(messages["Messages"]) == 1


def test_a_failed_build_says_why(stand: Stand) -> None:
    answer, _ = sent(stand, a_bundle())
    deploy = stand.begin(versions.get(stand.registry, PROJECT, "iris", 1).deploy_id)
    outcomes.mark_failed(stand.registry, deploy, DeployFailed("no wheel for x.", "Pin another."))
    state = poll(stand, answer)
    assert (state["status"], state["logs"][-1]) == ("failed", "no wheel for x. Pin another.\n")


def test_a_foreign_key_in_the_bundle_is_dropped(stand: Stand) -> None:
    _, state = sent(stand, a_bundle(api_key=CANARY, hardware="CPU", version="1.0"))
    assert state["status"] == "building"
    row = versions.get(stand.registry, PROJECT, "iris", 1)
    kept = stand.registry.s3.get_object(Bucket=stand.registry.bucket, Key=row.bundle_key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(kept)) as archive:
        manifest = archive.read("conduit.json").decode()
        assert archive.read("model.pkl") == a_pickle()
    assert CANARY not in manifest
    assert json.loads(manifest)["version"] == "1.0"
    assert stand.registry.s3.list_objects_v2(Bucket=stand.registry.bucket)["KeyCount"] == 1
    rows = stand.registry.table.client.scan(TableName=stand.registry.table.name)["Items"]
    assert CANARY not in str(rows) + str(stand.log)


def test_requirements_come_from_the_bundle(stand: Stand) -> None:
    manifest = {"name": "iris", "flow": [["sklearn_classifier", "model.pkl"]], "processors": []}
    files = {"model.pkl": a_pickle(), "conduit.json": json.dumps(manifest).encode()}
    _, state = sent(stand, a_zip({**files, "requirements.txt": b"humanize==4.9\n# x\n"}))
    assert state["status"] == "building"
    assert versions.get(stand.registry, PROJECT, "iris", 1).spec.requirements == ("humanize==4.9",)


@pytest.mark.parametrize(
    "bundle",
    [
        b"",
        b"not a zip",
        a_zip({}),
        a_zip({"conduit.json": b"{}"}),
        a_zip({"conduit.json": b'{"name":"x","flow":[["sklearn","gone.pkl"]]}'}),
        a_zip({"conduit.json": b'{"name":"x","flow":[["torch","m.pt"]]}', "m.pt": b"x"}),
    ],
)
def test_bundles_that_are_refused(stand: Stand, bundle: bytes) -> None:
    answer, first = sent(stand, bundle)
    assert first["status"] == "failed"
    assert len(first["logs"][0]) > 20
    assert poll(stand, answer) == first


def test_a_bundle_that_calls_itself_trusted(stand: Stand) -> None:
    _, state = sent(stand, a_bundle(trusted=True))
    assert (state["status"], "trusted" in state["logs"][0]) == ("failed", True)


@pytest.mark.parametrize(("change", "field"), [
    ({"name": "NOT A NAME"}, "name"), ({"name": None}, "name"), ({"hardware": "ABACUS"}, "hardware"),
    ({"hardware": "AMPERE_A100"}, "hardware"), ({"cpu": 0}, "cpu"), ({"cpu": 2.5}, "cpu"),
    ({"memory": 1.0}, "memory"), ({"memory": "8"}, "memory"), ({"python_version": "3.8"}, "python_version"),
    ({"cooldown": 0}, "cooldown"), ({"min_replicas": 3, "max_replicas": 2}, "max_replicas"),
])  # fmt: skip
def test_fields_that_are_refused_before_an_upload(stand: Stand, change: dict[str, Any], field: str) -> None:
    problem = check_problem(start(stand, **change), 422)
    assert problem["field"] == field
    assert problem["message"].startswith(problem["detail"])
    assert models.all_of(stand.registry, PROJECT) == []


def test_errors_carry_a_message(stand: Stand) -> None:
    for status, key, content in (
        (401, "nonsense", "{}"),
        (403, "predict", json.dumps(FIELDS)),
        (400, "deploy", '{"name":"a","name":"b"}'),
        (400, "deploy", ""),
    ):
        assert check_problem(stand.raw("POST", "/deploy", key=key, content=content), status)["message"]
    assert check_problem(stand.raw("GET", "/deploy"), 405)["message"]
    for build in ("nothing", "iris.1", "../x.1", "iris.99999999999", "x" * 100):
        answer = stand.raw("GET", "/streamBuildLogs", params={"buildId": build})
        assert check_problem(answer, 422 if len(build) > 40 else 404)["message"]
    assert check_problem(stand.raw("GET", "/streamBuildLogs"), 422)["message"]
