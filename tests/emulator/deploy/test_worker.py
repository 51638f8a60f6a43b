"""Deploy requests from the queue to their end, on the emulator's DynamoDB, S3 and SQS.

The engine here only remembers what it was run on; every runtime is this interpreter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from modelcote.aws.table import add
from modelcote.core.errors import Conflict
from modelcote.core.inputs import MATRIX, Inputs
from modelcote.core.snapshot import Layer, Snapshot
from modelcote.core.target import LAMBDA, Target
from modelcote.deploy.artifacts.runtimes import LockedRuntime
from modelcote.deploy.queue.consume import receive
from modelcote.deploy.queue.worker import process
from modelcote.registry import deploys, models, outcomes, versions
from tests.emulator.deploy.deploying import PROJECT, Engine, Stand, ThisInterpreter, pickled


def test_a_deploy_becomes_a_package_a_model_and_a_log(stand: Stand) -> None:
    deploy, engine = stand.request("iris", compile=True), Engine()
    assert stand.consume(engine) == 1
    assert stand.state(deploy) == "SUCCEEDED"
    model = models.get(stand.registry, PROJECT, "iris")
    assert (model.state, model.current_version, model.target) == ("READY", 1, Target(LAMBDA, "dev_demo_iris"))
    (made,) = engine.runs[-1].models
    assert [layer.key for layer in engine.runs[-1].layers] == list(made.package.layers)
    package = stand.members(made.package.s3_key)
    assert {"bundle/conduit.json", "bundle/model.pkl", "modelcote/serving/lambda_entry.py"} <= package.keys()
    absent = ("modelcote/deploy", "modelcote/registry", "modelcote/sdk")
    assert not [name for name in package if name.startswith(absent)]
    assert [name for name in package if name.endswith(".pyc")]
    lines = stand.lines(deploy)
    assert (lines[0], lines[-1]) == ("building version 1", "version 1 is being served")
    assert any("compiled" in line for line in lines)


def test_a_flow_that_arrives_uncompiled_is_compiled_in_the_build_step(stand: Stand) -> None:
    stand.request("iris", compile=True)
    engine = stand.run()
    (made,) = engine.runs[-1].models
    version = versions.get(stand.registry, PROJECT, "iris", 1)
    assert version.compiled, stand.lines(deploys.get(stand.registry, PROJECT, version.deploy_id))
    assert (version.runtime, version.inputs) == ("onnx", Inputs(MATRIX, 4))
    assert made.package.layers[0].startswith("onnx-")
    assert "bundle/compiled.onnx" in stand.members(made.package.s3_key)


def test_compile_false_is_served_as_it_is(stand: Stand) -> None:
    stand.request("iris")
    stand.run()
    version = versions.get(stand.registry, PROJECT, "iris", 1)
    assert (version.compiled, version.runtime, version.inputs) == (False, "sklearn", Inputs(MATRIX, 4))


def test_many_requests_are_one_run_of_the_engine(stand: Stand) -> None:
    requests = [stand.request(f"m-{index}") for index in range(11)]
    engine = Engine()
    assert stand.consume(engine) == 11
    assert len(engine.runs) == 1
    assert len(engine.runs[0].models) == 11
    assert {stand.state(row) for row in requests} == {"SUCCEEDED"}


def test_a_model_that_cannot_be_built_fails_alone(stand: Stand) -> None:
    good, bad = stand.request("good"), stand.request("bad", content=b"no pickle")
    engine = stand.run()
    assert (stand.state(good), stand.state(bad)) == ("SUCCEEDED", "FAILED")
    assert engine.served == {"good": 1}
    assert stand.error(bad)["remedy"]
    assert stand.lines(bad)[-1].startswith("failed: ")


def test_library_versions_that_cannot_be_served_are_refused(stand: Stand) -> None:
    """Here every runtime is the tests' own, whatever wrote the file."""
    deploy = stand.request("old", pickled().replace(b"1.9.1", b"1.5.2"))
    stand.run()
    problem = stand.error(deploy)
    assert (problem["code"], problem["saved"]) == ("version_mismatch", "==1.5.2")
    assert "requirements_file" in problem["remedy"]


def test_a_model_that_the_engine_cannot_make_fails_alone(stand: Stand) -> None:
    requests = {name: stand.request(name) for name in ("a", "b", "c")}
    engine = stand.run(Engine(lambda snapshot: any(model.name == "b" for model in snapshot.models)))
    states = {name: stand.state(row) for name, row in requests.items()}
    assert states == {"a": "SUCCEEDED", "b": "FAILED", "c": "SUCCEEDED"}
    assert engine.served == {"a": 1, "c": 1}
    assert stand.error(requests["b"])["code"] == "backend_unavailable"


def test_an_error_that_is_none_of_ours_is_told_and_ends_the_request(
    stand: Stand, capfd: pytest.CaptureFixture[str]
) -> None:
    deploy = stand.request("iris")

    def broken(_: Snapshot) -> bool:
        raise ZeroDivisionError("the engine's own mistake")

    stand.run(Engine(broken))
    assert stand.error(deploy)["code"] == "deploy_failed"
    assert "the engine's own mistake" in stand.error(deploy)["detail"]
    assert "Traceback" in capfd.readouterr().err


def test_a_failed_redeploy_leaves_the_old_version_serving(stand: Stand) -> None:
    stand.request("iris")
    stand.run()
    stand.request("iris", content=b"broken")
    stand.run()
    model = models.get(stand.registry, PROJECT, "iris")
    assert (model.state, model.current_version) == ("READY", 1)


def test_rollback_serves_the_built_version_again_without_building(stand: Stand) -> None:
    for _ in range(2):
        stand.request("iris")
        stand.run()
    first = versions.get(stand.registry, PROJECT, "iris", 1)
    deploy = deploys.request(stand.registry, PROJECT, "iris", 1, "rollback")
    engine = stand.run()
    assert engine.runs[-1].models[0].package == first.package
    assert models.get(stand.registry, PROJECT, "iris").current_version == 1
    assert not any("packaged" in line for line in stand.lines(deploy))


def test_a_rollback_to_a_version_whose_spec_cannot_be_read_fails(stand: Stand) -> None:
    for _ in range(2):
        stand.request("iris")
        stand.run()
    first = versions.get(stand.registry, PROJECT, "iris", 1)
    stand.registry.table.update(first.key, {"spec_json": '{"flow": '})
    deploy = deploys.request(stand.registry, PROJECT, "iris", 1, "rollback")
    stand.run()
    model = models.get(stand.registry, PROJECT, "iris")
    assert (stand.state(deploy), model.state, model.current_version) == ("FAILED", "READY", 2)
    assert "JSONDecodeError" in stand.error(deploy)["detail"]


def test_of_several_deploys_of_one_model_the_last_one_serves(stand: Stand) -> None:
    first, second = stand.request("iris"), stand.request("iris")
    engine = stand.run()
    assert (stand.state(first), stand.state(second)) == ("SUCCEEDED", "SUCCEEDED")
    assert engine.served == {"iris": 2}
    assert versions.get(stand.registry, PROJECT, "iris", 1).state == "ARCHIVED"


def test_a_deletion_takes_the_model_and_its_objects(stand: Stand) -> None:
    stand.request("iris")
    stand.request("other")
    stand.run()
    deploys.request(stand.registry, PROJECT, "iris", 0, "delete")
    engine = stand.run()
    assert engine.runs[-1].tombstones == ((PROJECT, "iris"),)
    assert engine.served == {"other": 1}
    assert [model.name for model in models.all_of(stand.registry, PROJECT)] == ["other"]
    left = stand.registry.s3.list_objects_v2(Bucket=stand.registry.bucket).get("Contents", [])
    assert not [row["Key"] for row in left if "/iris/" in row["Key"]]


def test_the_queue_is_empty_afterwards_and_a_message_that_comes_twice_does_nothing(stand: Stand) -> None:
    deploy, engine = stand.request("iris"), Engine()
    stand.consume(engine)
    assert receive(stand.registry.sqs, stand.registry.queue_url, 0) == []
    messages = [{"project": PROJECT, "deploy_id": deploy_id} for deploy_id in (deploy.deploy_id, "0" * 32)]
    process(messages, stand.registry, engine, ThisInterpreter(), stack="dev")
    assert len(engine.runs) == 1


def test_a_request_that_a_dead_deployer_had_begun_is_worked_off_again(stand: Stand) -> None:
    deploy = stand.request("iris")
    assert outcomes.begin(stand.registry, PROJECT, deploy.deploy_id) is not None
    stand.run()
    assert stand.state(deploy) == "SUCCEEDED"


def test_two_deployers_do_not_run_the_engine_at_once(stand: Stand) -> None:
    running: list[int] = []

    class Counting(Engine):
        def up(self, snapshot: Snapshot) -> Mapping[str, Any]:
            running.append(1)
            assert len(running) == 1
            hashlib.pbkdf2_hmac("sha256", b"", b"", 400_000)
            running.pop()
            return super().up(snapshot)

    requests = [stand.request(name) for name in ("a", "b")]
    with ThreadPoolExecutor(2) as pool:
        for future in [
            pool.submit(process, [vars(row)], stand.registry, Counting(), ThisInterpreter(), stack="dev")
            for row in requests
        ]:
            future.result()
    assert {stand.state(row) for row in requests} == {"SUCCEEDED"}


def test_a_lost_lease_leaves_the_requests_for_the_next_one(stand: Stand) -> None:
    deploy = stand.request("iris")

    class Stolen(ThisInterpreter):
        def layer_for(self, runtime: LockedRuntime) -> Layer:
            stand.registry.table.update(("LEASE", "deploy"), {"owner": "other", "token": add(1)})
            return super().layer_for(runtime)

    engine = Engine()
    with pytest.raises(Conflict, match="taken over"):
        process([vars(deploy)], stand.registry, engine, Stolen(), stack="dev")
    assert engine.runs == []
    assert stand.state(deploy) == "RUNNING"
