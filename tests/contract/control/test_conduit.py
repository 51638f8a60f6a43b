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

CANARY = "foreign-api-key-canary"
FIELDS = {
    "name": "iris",
    "cerebrium_version": "1.0",
    "hardware": "CPU",
    "source": "conduit",
    "cooldown": 30,
    "min_replicas": 0,
    "max_replicas": 2,
    "python_version": "3.11",
    "cpu": 2,
    "memory": 8.0,
    "force_rebuild": False,
}


def start(stand: Stand, **fields: Any) -> httpx.Response:
    request = stand.http.build_request(
        "POST",
        "/deploy",
        content=json.dumps({**FIELDS, **fields}).encode(),
        headers={"authorization": stand.keys["deploy"]},
    )
    assert "content-type" not in request.headers
    return stand.http.send(request)


def upload(answer: httpx.Response, bundle: bytes) -> None:
    put = httpx.put(answer.json()["uploadUrl"], content=bundle, headers={"Content-Type": "application/zip"})
    assert put.status_code == 200
    assert put.content == b""


def poll(stand: Stand, answer: httpx.Response) -> dict[str, Any]:
    got = stand.raw("GET", "/streamBuildLogs", params={"buildId": answer.json()["buildId"]})
    assert got.status_code == 200, got.text
    state: dict[str, Any] = got.json()
    assert state["logs"]
    assert all(line.endswith("\n") for line in state["logs"])
    return state


def test_from_deploy_to_success(stand: Stand) -> None:
    answer = start(stand)
    assert answer.status_code == 200
    assert set(answer.json()) == {"uploadUrl", "projectId", "buildId", "internalEndpoint"}
    assert answer.json()["projectId"] == PROJECT
    assert answer.json()["internalEndpoint"] == f"{URL}/v1/{PROJECT}/iris/predict"
    assert poll(stand, answer)["status"] == "pending"
    upload(answer, a_bundle())
    assert poll(stand, answer)["status"] == "building"

    version = versions.get(stand.registry, PROJECT, "iris", 1)
    spec = version.spec
    assert [stage.file for stage in spec.flow.stages] == ["model.pkl"]
    assert (spec.cpu, spec.memory, spec.cooldown, spec.max_replicas) == (2, 8.0, 30, 2)
    assert (spec.hardware, spec.python_version, spec.trusted) == (Hardware.CPU, "3.11", False)

    deploy = outcomes.begin(stand.registry, PROJECT, version.deploy_id)
    assert deploy
    deploys.append_log(stand.registry, PROJECT, deploy.deploy_id, "built")
    assert poll(stand, answer)["logs"][-1] == "built\n"
    from tests.support.specs import a_package

    outcomes.mark_built(stand.registry, deploy, a_package(), "onnx")
    outcomes.mark_ready(stand.registry, deploy, Target(LAMBDA, "f"))
    assert poll(stand, answer)["status"] == "success"


def test_polls_at_once_start_one_build(stand: Stand) -> None:
    answer = start(stand)
    upload(answer, a_bundle())
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: poll(stand, answer)["status"], range(4)))
    assert states == ["building"] * 4
    messages = stand.registry.sqs.receive_message(
        QueueUrl=stand.registry.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
    )
    assert len(messages["Messages"]) == 1


def test_a_failed_build_says_why(stand: Stand) -> None:
    answer = start(stand)
    upload(answer, a_bundle())
    poll(stand, answer)
    deploy = outcomes.begin(stand.registry, PROJECT, versions.get(stand.registry, PROJECT, "iris", 1).deploy_id)
    assert deploy
    outcomes.mark_failed(stand.registry, deploy, DeployFailed("no wheel for x.", "Pin another."))
    state = poll(stand, answer)
    assert (state["status"], state["logs"][-1]) == ("failed", "no wheel for x. Pin another.\n")


def test_a_foreign_key_in_the_bundle_is_dropped(stand: Stand) -> None:
    answer = start(stand)
    upload(answer, a_bundle(api_key=CANARY, hardware="CPU", version="1.0"))
    assert poll(stand, answer)["status"] == "building"
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
    answer = start(stand)
    manifest = {"name": "iris", "flow": [["sklearn_classifier", "model.pkl"]], "processors": []}
    files = {
        "model.pkl": a_pickle(),
        "conduit.json": json.dumps(manifest).encode(),
        "requirements.txt": b"humanize==4.9\n# x\n",
    }
    upload(answer, a_zip(files))
    assert poll(stand, answer)["status"] == "building"
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
    answer = start(stand)
    upload(answer, bundle)
    first = poll(stand, answer)
    assert first["status"] == "failed"
    assert len(first["logs"][0]) > 20
    assert poll(stand, answer) == first


def test_a_bundle_that_calls_itself_trusted(stand: Stand) -> None:
    answer = start(stand)
    upload(answer, a_bundle(trusted=True))
    state = poll(stand, answer)
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
    assert check_problem(stand.raw("POST", "/deploy", key="nonsense", content=b"{}"), 401)["message"]
    assert check_problem(stand.raw("POST", "/deploy", key="predict", json=FIELDS), 403)["message"]
    assert check_problem(stand.raw("POST", "/deploy", content=b'{"name":"a","name":"b"}'), 400)["message"]
    assert check_problem(stand.raw("POST", "/deploy", content=b""), 400)["message"]
    assert check_problem(stand.raw("GET", "/deploy"), 405)["message"]
    for build in ("nothing", "iris.1", "../x.1", "iris.99999999999", "x" * 100):
        answer = stand.raw("GET", "/streamBuildLogs", params={"buildId": build})
        assert check_problem(answer, 422 if len(build) > 40 else 404)["message"]
    assert check_problem(stand.raw("GET", "/streamBuildLogs"), 422)["message"]
