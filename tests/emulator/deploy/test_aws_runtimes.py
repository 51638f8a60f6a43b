"""Layers in the artifact bucket, and the snapshot that `pulumi up` is given, on the emulator."""

from __future__ import annotations

import pytest

from infra.snapshot import Reading, read_registry
from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Layer, Package, Snapshot
from modelcote.deploy.artifacts.aws_runtimes import AwsRuntimes
from modelcote.deploy.artifacts.recipes import Recipe
from modelcote.deploy.artifacts.runtimes import committed
from modelcote.deploy.queue.snapshot import take_snapshot
from modelcote.registry import models, outcomes
from modelcote.registry.store import Registry, open_registry
from tests.support.emulator import Emulator
from tests.support.registered import requested, running
from tests.support.tables import make_table


def test_a_layer_that_lies_in_the_bucket_is_not_built_again(registry: Registry) -> None:
    key = committed("onnx", "3.12").key
    path = f"layers/x86_64/{key}.zip"
    registry.s3.put_object(Bucket=registry.bucket, Key=path, Body=b"built before")
    wanted = Layer(key, "onnx", "3.12", f"s3:///{path}")
    runtimes = AwsRuntimes(registry)
    assert runtimes.layer_for(committed("onnx", "3.12")) == wanted
    assert runtimes.layer_of(key) == wanted
    assert registry.s3.get_object(Bucket=registry.bucket, Key=path)["Body"].read() == b"built before"


def test_a_lock_is_resolved_once_and_read_from_the_bucket_afterwards(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def resolve(_: AwsRuntimes, lines: str, python_version: str) -> str:
        asked.append((lines, python_version))
        return f"{lines} --hash=sha256:{len(asked)}\n"

    monkeypatch.setattr(AwsRuntimes, "_resolve", resolve)
    recipe = Recipe("sklearn", "3.12", ("scikit-learn==1.2.2",))
    first = AwsRuntimes(registry).lock(recipe)
    assert first.lock == "scikit-learn==1.2.2 --hash=sha256:1\n"
    assert AwsRuntimes(registry).lock(recipe) == first
    assert asked == [("scikit-learn==1.2.2", "3.12")]
    keys = [row["Key"] for row in registry.s3.list_objects_v2(Bucket=registry.bucket)["Contents"]]
    assert [key for key in keys if key.startswith("layers/x86_64/locks/")] == keys
    assert AwsRuntimes(registry, architecture="arm64").lock(recipe) != first
    assert len(asked) == 2


def test_architectures_do_not_share_layers(registry: Registry) -> None:
    key = committed("onnx", "3.12").key
    assert AwsRuntimes(registry, architecture="arm64").layer_of(key) != AwsRuntimes(registry).layer_of(key)


def test_a_snapshot_holds_each_layer_that_a_model_needs_once(registry: Registry) -> None:
    key = committed("onnx", "3.12").key
    for name in ("one", "two"):
        deploy = running(registry, requested(registry, name))
        outcomes.mark_built(registry, deploy, Package("x", f"packages/{name}.zip", (key,)), "onnx")
    taken = take_snapshot(registry, AwsRuntimes(registry).layer_of)
    assert [layer.key for layer in taken.layers] == [key]
    assert [model.name for model in taken.models] == ["one", "two"]


def test_before_the_first_up_there_is_no_table_and_no_model(aws: Emulator) -> None:
    reading = read_registry("never-made", "us-east-1")
    assert (reading.table_exists, reading.snapshot) == (False, Snapshot())


def test_a_registry_that_cannot_be_reached_is_no_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Emulator("http://127.0.0.1:1").environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DeployFailed, match="reading the registry ended with status 1"):
        read_registry("dev", "us-east-1")


def test_the_registry_of_a_stack_is_read_whole(aws: Emulator, registry: Registry) -> None:
    """On a table with the stack's own name."""
    clients = aws.clients
    make_table(clients.dynamodb, "registry", "modelcote-reading-registry")
    models.ensure_project(open_registry("modelcote-reading-registry", registry.bucket, clients=clients), "demo")
    assert read_registry("reading", "us-east-1") == Reading(Snapshot(), table_exists=True)
