"""Deploy requests from the queue to their end, on the emulator's DynamoDB, S3 and SQS.

The engine here only remembers what it was run on; every runtime is this interpreter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from modelcote.aws.table import add
from modelcote.core.errors import Conflict
from modelcote.core.snapshot import Layer, Snapshot
from modelcote.core.target import LAMBDA, Target
from modelcote.deploy.queue.consume import receive
from modelcote.deploy.queue.worker import process
from modelcote.registry import deploys, models, outcomes, versions
from modelcote.registry.records import Deploy
from modelcote.registry.store import Registry
from tests.emulator.deploy.deploying import PROJECT, Engine, ThisInterpreter, error, lines, members, run, spec, state


def test_a_deploy_becomes_a_package_a_model_and_a_log(
    registry: Registry, deploy: Callable[..., Deploy], tmp_path: Path
) -> None:
    asked, engine = deploy(spec("iris")), Engine()
    assert run(registry, engine) == 1
    assert state(registry, asked) == "SUCCEEDED"
    model = models.get(registry, PROJECT, "iris")
    assert (model.state, model.current_version, model.target) == ("READY", 1, Target(LAMBDA, "dev_demo_iris"))
    (made,) = engine.runs[-1].models
    assert [layer.key for layer in engine.runs[-1].layers] == list(made.package.layers)
    package = members(registry, made.package.s3_key, tmp_path)
    assert {"bundle/conduit.json", "bundle/model.pkl", "modelcote/serving/lambda_entry.py"} <= package.keys()
    assert not [
        name for name in package if name.startswith(("modelcote/deploy", "modelcote/registry", "modelcote/sdk"))
    ]
    assert [name for name in package if name.endswith(".pyc")]
    said = lines(registry, asked)
    assert said[0] == "building version 1"
    assert said[-1] == "version 1 is being served"
    assert any("compiled" in line for line in said)


def test_a_flow_that_arrives_uncompiled_is_compiled_in_the_build_step(
    registry: Registry, deploy: Callable[..., Deploy], tmp_path: Path
) -> None:
    deploy(spec("iris"))
    engine = Engine()
    run(registry, engine)
    (made,) = engine.runs[-1].models
    version = versions.get(registry, PROJECT, "iris", 1)
    assert version.compiled, lines(registry, deploys.get(registry, PROJECT, version.deploy_id))
    assert version.runtime == "onnx"
    assert made.package.layers[0].startswith("onnx-")
    assert "bundle/compiled.onnx" in members(registry, made.package.s3_key, tmp_path)


def test_compile_false_is_served_as_it_is(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    deploy(spec("iris", compile=False))
    run(registry, Engine())
    version = versions.get(registry, PROJECT, "iris", 1)
    assert (version.compiled, version.runtime) == (False, "sklearn")


def test_many_requests_are_one_run_of_the_engine(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    asked = [deploy(spec(f"m-{index}", compile=False)) for index in range(11)]
    engine = Engine()
    assert run(registry, engine) == 11
    assert len(engine.runs) == 1
    assert len(engine.runs[0].models) == 11
    assert {state(registry, row) for row in asked} == {"SUCCEEDED"}


def test_a_model_that_cannot_be_built_fails_alone(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    good, bad = deploy(spec("good", compile=False)), deploy(spec("bad", compile=False), content=b"no pickle")
    engine = Engine()
    run(registry, engine)
    assert (state(registry, good), state(registry, bad)) == ("SUCCEEDED", "FAILED")
    assert engine.served == {"good": 1}
    assert error(registry, bad)["remedy"]
    assert lines(registry, bad)[-1].startswith("failed: ")


def test_library_versions_that_cannot_be_served_are_refused(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    asked = deploy(spec("old", compile=False), libraries={"scikit-learn": "0.24.2"})
    run(registry, Engine())
    problem = error(registry, asked)
    assert (problem["code"], problem["saved"]) == ("version_mismatch", "0.24.2")
    assert "requirements_file" in problem["remedy"]


def test_a_model_that_the_engine_cannot_make_fails_alone(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    asked = {name: deploy(spec(name, compile=False)) for name in ("a", "b", "c")}
    engine = Engine(lambda snapshot: any(model.name == "b" for model in snapshot.models))
    run(registry, engine)
    assert {name: state(registry, row) for name, row in asked.items()} == {
        "a": "SUCCEEDED",
        "b": "FAILED",
        "c": "SUCCEEDED",
    }
    assert engine.served == {"a": 1, "c": 1}
    assert error(registry, asked["b"])["code"] == "backend_unavailable"


def test_an_error_that_is_none_of_ours_is_told_and_ends_the_request(
    registry: Registry, deploy: Callable[..., Deploy], capfd: pytest.CaptureFixture[str]
) -> None:
    asked = deploy(spec("iris", compile=False))

    def broken(_: Snapshot) -> bool:
        raise ZeroDivisionError("the engine's own mistake")

    run(registry, Engine(broken))
    assert error(registry, asked)["code"] == "deploy_failed"
    assert "the engine's own mistake" in error(registry, asked)["detail"]
    assert "Traceback" in capfd.readouterr().err


def test_a_failed_redeploy_leaves_the_old_version_serving(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    deploy(spec("iris", compile=False))
    run(registry, Engine())
    deploy(spec("iris", compile=False), content=b"broken")
    engine = Engine()
    run(registry, engine)
    model = models.get(registry, PROJECT, "iris")
    assert (model.state, model.current_version) == ("READY", 1)


def test_rollback_serves_the_built_version_again_without_building(
    registry: Registry, deploy: Callable[..., Deploy]
) -> None:
    for _ in range(2):
        deploy(spec("iris", compile=False))
        run(registry, Engine())
    first = versions.get(registry, PROJECT, "iris", 1)
    asked = deploys.request(registry, PROJECT, "iris", 1, "rollback")
    engine = Engine()
    run(registry, engine)
    assert engine.runs[-1].models[0].package == first.package
    assert models.get(registry, PROJECT, "iris").current_version == 1
    assert not any("packaged" in line for line in lines(registry, asked))


def test_of_several_deploys_of_one_model_the_last_one_serves(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    first, second = deploy(spec("iris", compile=False)), deploy(spec("iris", compile=False))
    engine = Engine()
    run(registry, engine)
    assert (state(registry, first), state(registry, second)) == ("SUCCEEDED", "SUCCEEDED")
    assert engine.served == {"iris": 2}
    assert versions.get(registry, PROJECT, "iris", 1).state == "ARCHIVED"


def test_a_deletion_takes_the_model_and_its_objects(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    deploy(spec("iris", compile=False))
    deploy(spec("other", compile=False))
    run(registry, Engine())
    deploys.request(registry, PROJECT, "iris", 0, "delete")
    engine = Engine()
    run(registry, engine)
    assert engine.runs[-1].tombstones == ((PROJECT, "iris"),)
    assert engine.served == {"other": 1}
    assert [model.name for model in models.all_of(registry, PROJECT)] == ["other"]
    left = registry.s3.list_objects_v2(Bucket=registry.bucket).get("Contents", [])
    assert not [row["Key"] for row in left if "/iris/" in row["Key"]]


def test_the_queue_is_empty_afterwards_and_a_message_that_comes_twice_does_nothing(
    registry: Registry, deploy: Callable[..., Deploy]
) -> None:
    asked, engine = deploy(spec("iris", compile=False)), Engine()
    run(registry, engine)
    assert receive(registry.sqs, registry.queue_url, 0) == []
    process(
        [{"project": PROJECT, "deploy_id": asked.deploy_id}, {"project": PROJECT, "deploy_id": "0" * 32}],
        registry,
        engine,
        ThisInterpreter(),
        stack="dev",
    )
    assert len(engine.runs) == 1


def test_a_request_that_a_dead_deployer_had_begun_is_worked_off_again(
    registry: Registry, deploy: Callable[..., Deploy]
) -> None:
    asked = deploy(spec("iris", compile=False))
    assert outcomes.begin(registry, PROJECT, asked.deploy_id) is not None
    run(registry, Engine())
    assert state(registry, asked) == "SUCCEEDED"


def test_two_deployers_do_not_run_the_engine_at_once(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    running: list[int] = []

    class Counting(Engine):
        def up(self, snapshot: Snapshot) -> Mapping[str, Any]:
            running.append(1)
            assert len(running) == 1
            hashlib.pbkdf2_hmac("sha256", b"", b"", 400_000)
            running.pop()
            return super().up(snapshot)

    asked = [deploy(spec(name, compile=False)) for name in ("a", "b")]
    with ThreadPoolExecutor(2) as pool:
        for done in [
            pool.submit(process, [vars(row)], registry, Counting(), ThisInterpreter(), stack="dev") for row in asked
        ]:
            done.result()
    assert {state(registry, row) for row in asked} == {"SUCCEEDED"}


def test_a_lost_lease_leaves_the_requests_for_the_next_one(registry: Registry, deploy: Callable[..., Deploy]) -> None:
    asked = deploy(spec("iris", compile=False))

    class Stolen(ThisInterpreter):
        def layer_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Layer:
            registry.table.update(("LEASE", "deploy"), {"owner": "other", "token": add(1)})
            return super().layer_for(runtime, python_version, requirements)

    engine = Engine()
    with pytest.raises(Conflict, match="taken over"):
        process([vars(asked)], registry, engine, Stolen(), stack="dev")
    assert engine.runs == []
    assert state(registry, asked) == "RUNNING"
