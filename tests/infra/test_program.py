"""What the program promises about the resources that others address or rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.config import Platform, settings_from_json
from modelcote.core.snapshot import Snapshot
from modelcote.deploy.__main__ import NEEDED
from modelcote.deploy.monitor import Archive, Resource
from modelcote.deploy.plan import plan
from tests.infra.plans import IRIS, ONNX, SETTINGS, SNAPSHOTS, everything, model, planned, planned_platform


def named(name: str, models: int = 3) -> Resource:
    return next(row for row in (*planned(models).resources, *planned_platform().resources) if row.name == name)


def of(kind: str, models: int = 3) -> list[Resource]:
    return [row for row in planned(models).resources if row.type.endswith(f":{kind}")]


def allowed(role_policy: str) -> dict[str, list[str]]:
    rows = json.loads(named(role_policy).inputs["policy"])["Statement"]
    return {row["Sid"]: row["Resource"] for row in rows}


def test_names_that_callers_address() -> None:
    names = {row.inputs.get("name") for row in everything()}
    assert names >= {
        "modelcote-dev-registry",
        "modelcote-dev-runs",
        "modelcote-dev-gateway",
        "modelcote-dev-control",
        "modelcote-dev-deploy-requested",
        "modelcote-dev-deploys.fifo",
        "dev_demo_iris",
        "/aws/lambda/dev_demo_iris",
        "/aws/lambda/modelcote-dev-gateway",
    }


def test_buckets_and_roles_are_named_automatically() -> None:
    assert all("bucket" not in row.inputs for row in of("Bucket"))
    assert all("name" not in row.inputs for row in of("Role"))


@pytest.mark.parametrize("kind", ["Table", "Bucket", "Key"])
def test_what_holds_data_is_protected(kind: str) -> None:
    assert of(kind)
    assert all(row.protect and row.retain_on_delete for row in of(kind))


def test_children_are_named_after_their_parents_and_parented() -> None:
    by_urn = planned(3).by_urn()
    for row in planned(3).resources:
        parent = by_urn.get(row.parent)
        if row.custom:
            assert parent is not None, row.urn
        if parent is not None:
            assert row.name.startswith(f"{parent.name}-"), row.urn


def test_routes_are_greedy_and_end_in_control() -> None:
    assert sorted((row.inputs["routeKey"], row.name.split("-")[2]) for row in of("Route")) == [
        ("$default", "control"),
        ("ANY /v1/{project}/{model}/predict", "gateway"),
        ("ANY /v3/{project}/{model}/predict", "gateway"),
    ]


def test_a_model_reads_its_own_bundles_and_its_own_projects_secrets() -> None:
    assert allowed("model-demo_iris-access") == {
        "Log": ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/dev_demo_iris:*"],
        "Bundles": ["arn:aws:s3:::${platform-buckets-artifacts.bucket}/bundles/demo/iris/*"],
        "Secrets": ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:modelcote/dev/demo/*"],
        "Key": ["${platform-keys-main.arn}"],
        "Trace": ["*"],
    }


def test_the_gateway_reads_the_registry_and_calls_models_only() -> None:
    rows = json.loads(named("platform-gateway-access").inputs["policy"])["Statement"]
    actions = {action for row in rows for action in row["Action"]}
    assert not {action for action in actions if action.startswith("dynamodb:") and "Item" in action} - {
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
    }
    assert allowed("platform-gateway-access")["Models"] == ["arn:aws:lambda:eu-west-1:123456789012:function:dev_*"]


def test_the_deployer_cannot_touch_the_platform() -> None:
    resources = allowed("platform-deployer-access")
    assert resources["Functions"] == ["arn:aws:lambda:eu-west-1:123456789012:function:dev_*"]
    assert resources["MakeRoles"] == ["arn:aws:iam::123456789012:role/modelcote/dev/models/*"]


def test_replicas_become_concurrency() -> None:
    assert named("model-demo_churn-function").inputs["reservedConcurrentExecutions"] == 20
    assert named("model-demo_churn-warm").inputs["provisionedConcurrentExecutions"] == 2
    assert "reservedConcurrentExecutions" not in named("model-demo_iris-function").inputs
    assert not [row for row in planned(3).resources if row.name == "model-demo_iris-warm"]


def test_memory_timeout_and_code_come_from_the_snapshot() -> None:
    inputs = named("model-demo_churn-function").inputs
    assert (inputs["memorySize"], inputs["timeout"], inputs["runtime"]) == (4_096, 60, "python3.12")
    assert (inputs["s3Key"], inputs["sourceCodeHash"]) == ("packages/demo/churn/7/cd.zip", "c2tsZWFybg==")


def test_an_image_is_a_function_without_layers() -> None:
    inputs = named("model-a-rather-long-project-name-here_vision-function").inputs
    assert inputs["packageType"] == "Image"
    assert not {"layers", "handler", "runtime", "s3Key"} & inputs.keys()


def test_layers_come_from_s3_or_from_a_folder() -> None:
    first, second = (row.inputs for row in of("LayerVersion") if row.name.startswith("layer-"))
    assert (first["s3Bucket"], first["s3Key"]) == (
        "${platform-buckets-artifacts.bucket}",
        "layers/onnx-py3.11-0123456789ab.zip",
    )
    assert second["code"] == Archive("/layers/sklearn")
    assert first["layerName"] == "modelcote-dev-onnx-py3_11-0123456789ab"


def test_models_share_a_layer() -> None:
    both = Snapshot((IRIS, model("other")), layers=(ONNX,))
    layers = [row for row in plan(both, SETTINGS).resources if row.type.endswith(":LayerVersion")]
    assert len(layers) == 2  # the platform's own and this one


def test_names_that_differ_only_in_where_the_hyphen_is_do_not_meet() -> None:
    pair = (model("b-c", project="a"), model("c", project="a-b"))
    made = plan(Snapshot(pair, layers=(ONNX,)), SETTINGS)
    assert made.outputs["functions"] == {"a/b-c": "dev_a_b-c", "a-b/c": "dev_a-b_c"}


def test_the_longest_names_fit() -> None:
    longest = model("m" * 20, project="p" * 32)
    stack = replace(SETTINGS, stack="s" * 20)
    made = plan(Snapshot((longest,), layers=(ONNX,)), stack)
    assert max(len(name) for name in made.outputs["functions"].values()) == 64


def test_exports() -> None:
    outputs: dict[str, Any] = dict(planned(1).outputs)
    assert outputs["functions"] == {"demo/iris": "dev_demo_iris"}
    assert outputs["snapshot_digest"] == SNAPSHOTS[1].digest
    assert outputs["registry_table"] == "modelcote-dev-registry"
    assert {"url", "runs_table", "bucket", "deploy_queue_url"} <= outputs.keys()


def test_a_public_url_replaces_the_apis_own() -> None:
    made = plan(Snapshot(), replace(SETTINGS, public_url="https://ml.example.com/api"))
    control = next(row for row in made.resources if row.name == "platform-control-function")
    assert made.outputs["url"] == "https://ml.example.com/api"
    assert control.inputs["environment"]["variables"]["MODELCOTE_PUBLIC_URL"] == "https://ml.example.com/api"


def test_without_a_builder_there_is_no_deployer_and_no_stream() -> None:
    assert not [row for row in planned(0).resources if "deployer" in row.name]
    registry = next(row for row in planned(0).resources if row.name == "platform-tables-registry")
    assert "streamEnabled" not in registry.inputs


def test_the_deployer_is_told_what_the_models_need() -> None:
    rows = named("platform-deployer-project").inputs["environment"]["environmentVariables"]
    told = {row["name"]: row["value"] for row in rows}
    settings = settings_from_json(told["MODELCOTE_SETTINGS"])
    assert settings.platform == Platform(
        "${platform-buckets-artifacts.bucket}", "${platform-keys-main.arn}", "${platform-boundary-policy.arn}"
    )
    assert (settings.stack, settings.builder, settings.tags) == ("dev", None, {"team": "ml"})
    assert set(told) == {*NEEDED, "MODELCOTE_STACK"}
    assert sum(len(name) + len(value) for name, value in told.items()) < 5_500  # CodeBuild's limit


def test_scopes_split_what_all_holds() -> None:
    platform = Platform("artifacts", "arn:aws:kms:eu-west-1:123456789012:key/1", "arn:aws:iam::123456789012:policy/b")
    models = plan(SNAPSHOTS[3], replace(SETTINGS, platform=platform), "model")
    both = {row.urn for row in planned(3, "platform").resources} | {row.urn for row in models.resources}
    assert both == {row.urn for row in planned(3).resources}
    assert {row.type for row in models.resources if not row.custom} == {
        "modelcote:runtime:Layer",
        "modelcote:runtime:Model",
    }
    assert 5 <= len([row for row in models.resources if "iris" in row.name]) <= 9


def test_a_thousand_models_are_planned() -> None:
    models = tuple(model(f"m-{index}", min_replicas=index % 2) for index in range(1_000))
    made = plan(Snapshot(models, layers=(ONNX,)), SETTINGS)
    assert len([row for row in made.resources if row.type.endswith(":Function") and "model-" in row.name]) == 1_000
    assert len(made.resources) == len(planned(1).resources) + 6 * 999 + 500
