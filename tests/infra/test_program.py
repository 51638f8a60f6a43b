"""What the program promises about the resources that others address or rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.config import Platform, settings_from_json
from modelcote.core.snapshot import Snapshot
from modelcote.deploy.__main__ import NEEDED
from modelcote.deploy.program.monitor import Archive
from tests.infra.planner import plan
from tests.infra.plans import IRIS, ONNX, SETTINGS, SNAPSHOTS, everything, model, named, of, planned, statements

HANDLERS = ("run-worker", "complete-run", "deliver-webhook", "task-result", "watchdog", "dead-letters")


def test_names_that_callers_address() -> None:
    names = {row.inputs.get("name") for row in everything()}
    parts = ("registry", "runs", "gateway", "control", "deploy-requested", "deploys.fifo", "long-run", *HANDLERS)
    assert names >= {
        *(f"modelcote-dev-{part}" for part in parts),
        *(f"modelcote-dev-{queue}{kind}" for queue in ("runs", "deliveries", "results") for kind in ("", "-dead")),
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


def variables(name: str) -> dict[str, str]:
    found: dict[str, str] = named(name).inputs["environment"]["variables"]
    return found


def test_what_the_handlers_are_told() -> None:
    tables = {"MODELCOTE_REGISTRY_TABLE", "MODELCOTE_RUNS_TABLE", "MODELCOTE_BUCKET"}
    queues = {"MODELCOTE_RUNS_QUEUE_URL", "MODELCOTE_DELIVERIES_QUEUE_URL"}
    told = {"MODELCOTE_STACK", "MODELCOTE_KEY_ARN", *tables, *queues}
    machine = {"MODELCOTE_STATE_MACHINE_ARN"}
    assert set(variables("platform-gateway-function")) == told
    control = {"MODELCOTE_DEPLOY_QUEUE_URL", "MODELCOTE_PUBLIC_URL"}
    assert set(variables("platform-control-function")) == told | machine | control
    for name in HANDLERS:
        extra = machine if name in ("run-worker", "watchdog") else set()
        assert set(variables(f"platform-runs-{name}-function")) == told | extra
    assert variables("model-demo_iris-function")["MODELCOTE_BUCKET"] == "${platform-buckets-artifacts.bucket}"


def test_a_policy_is_told_to_who_heeds_it() -> None:
    made = plan(SNAPSHOTS[1], replace(SETTINGS, policy={"webhook_http": True, "open_runs": 5}))
    functions = [row for row in of("Function", made.resources) if row.custom]
    told = {row.name: row.inputs["environment"]["variables"].get("MODELCOTE_POLICY") for row in functions}
    assert json.loads(told["platform-gateway-function"]) == {"webhook_http": True, "open_runs": 5}
    assert {name for name, text in told.items() if text is None} == {"model-demo_iris-function"}


@pytest.mark.parametrize(
    ("queue", "function", "bound"),
    [
        ("runs", "run-worker", 50),
        ("deliveries", "deliver-webhook", 20),
        ("results", "task-result", 10),
        ("runs-dead", "dead-letters", 2),
    ],
)
def test_queues_feed_their_functions(queue: str, function: str, bound: int) -> None:
    inputs = named(f"platform-runs-{queue}-source-mapping").inputs
    assert inputs["eventSourceArn"] == f"${{platform-work-{queue}.arn}}"
    assert (inputs["functionName"], inputs["batchSize"]) == (f"modelcote-dev-{function}", 10)
    assert inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert inputs["scalingConfig"] == {"maximumConcurrency": bound}


def test_a_function_of_one_at_a_time_is_polled_without_a_bound() -> None:
    made = plan(Snapshot(), replace(SETTINGS, concurrency={**SETTINGS.concurrency, "task-result": 1}))
    assert "scalingConfig" not in named("platform-runs-results-source-mapping", made.resources).inputs


def test_the_bucket_tells_of_detached_results_and_nothing_else() -> None:
    (queue,) = named("platform-runs-arrivals-notification").inputs["queues"]
    assert (queue["events"], queue["filterPrefix"]) == (["s3:ObjectCreated:*"], "detached/")
    statement = statements("platform-work-results-policy")[1]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnEquals": {"aws:SourceArn": "${platform-buckets-artifacts.arn}"},
    }
    assert [len(statements(f"platform-work-{queue}-policy")) for queue in ("runs", "deliveries")] == [1, 1]


def test_results_expire_by_their_tag() -> None:
    rules = {row["id"]: row for row in named("platform-buckets-artifacts-lifecycle").inputs["rules"]}
    assert rules["inputs"]["expiration"] == {"days": 4}
    for folder in ("results", "detached"):
        for days in (1, 7, 30, 90):
            rule = rules[f"{folder}-{days}"]
            assert rule["filter"] == {"and": {"prefix": f"{folder}/", "tags": {"keep-days": str(days)}}}
            assert rule["expiration"] == {"days": days}
            # S3 refuses a rule with a tag that ends unfinished uploads too.
            assert "abortIncompleteMultipartUpload" not in rule
    assert rules["all"]["filter"] == {"prefix": ""}


def test_due_rows_are_found_by_an_index_of_keys() -> None:
    inputs = named("platform-tables-runs").inputs
    (index,) = inputs["globalSecondaryIndexes"]
    assert (index["name"], index["projectionType"]) == ("due", "KEYS_ONLY")
    keys = [(row["attributeName"], row["keyType"]) for row in index["keySchemas"]]
    assert keys == [("due_pk", "HASH"), ("due_at_s", "RANGE")]
    kinds = {row["name"]: row["type"] for row in inputs["attributes"]}
    assert kinds == {"pk": "S", "sk": "S", "due_pk": "S", "due_at_s": "N"}
    assert "globalSecondaryIndexes" not in named("platform-tables-registry").inputs


def test_a_dead_run_that_nobody_can_mark_ends_among_the_failures() -> None:
    redrive = json.loads(named("platform-work-runs-dead").inputs["redrivePolicy"])
    assert redrive == {"deadLetterTargetArn": "${platform-queues-failures.arn}", "maxReceiveCount": 5}


def test_memory_timeout_code_and_replicas_come_from_the_snapshot() -> None:
    inputs = named("model-demo_churn-function").inputs
    assert (inputs["memorySize"], inputs["timeout"], inputs["runtime"]) == (4_096, 60, "python3.12")
    assert (inputs["s3Key"], inputs["sourceCodeHash"]) == ("packages/demo/churn/7/cd.zip", "c2tsZWFybg==")
    assert inputs["reservedConcurrentExecutions"] == 20
    assert named("model-demo_churn-warm").inputs["provisionedConcurrentExecutions"] == 2
    assert "reservedConcurrentExecutions" not in named("model-demo_iris-function").inputs
    assert not [row for row in planned(3).resources if row.name == "model-demo_iris-warm"]


def test_an_image_is_a_function_without_layers() -> None:
    inputs = named("model-a-rather-long-project-name-here_vision-function").inputs
    assert inputs["packageType"] == "Image"
    assert not {"layers", "handler", "runtime", "s3Key"} & inputs.keys()


def test_layers_come_from_s3_or_from_a_folder() -> None:
    first, second = (row.inputs for row in of("LayerVersion") if row.name.startswith("layer-"))
    assert first["s3Bucket"] == "${platform-buckets-artifacts.bucket}"
    assert first["s3Key"] == "layers/onnx-py3.11-0123456789ab.zip"
    assert second["code"] == Archive("/layers/sklearn")
    assert first["layerName"] == "modelcote-dev-onnx-py3_11-0123456789ab"


def test_models_share_a_layer() -> None:
    both = Snapshot((IRIS, model("other")), layers=(ONNX,))
    assert len(of("LayerVersion", plan(both, SETTINGS).resources)) == 2  # the platform's own and this one


def test_names_that_differ_only_in_where_the_hyphen_is_do_not_meet() -> None:
    pair = (model("b-c", project="a"), model("c", project="a-b"))
    made = plan(Snapshot(pair, layers=(ONNX,)), SETTINGS)
    addresses = {name: row["address"] for name, row in made.outputs["targets"].items()}
    assert addresses == {"a/b-c": "dev_a_b-c", "a-b/c": "dev_a-b_c"}


def test_the_longest_names_fit() -> None:
    made = plan(Snapshot((model("m" * 20, project="p" * 32),), layers=(ONNX,)), replace(SETTINGS, stack="s" * 20))
    assert max(len(row["address"]) for row in made.outputs["targets"].values()) == 64


def test_exports() -> None:
    outputs: dict[str, Any] = dict(planned(1).outputs)
    assert outputs["targets"] == {"demo/iris": {"backend": "lambda", "address": "dev_demo_iris"}}
    assert outputs["snapshot_digest"] == SNAPSHOTS[1].digest
    assert outputs["registry_table"] == "modelcote-dev-registry"
    assert {"url", "runs_table", "bucket", "state_machine_arn"} <= outputs.keys()
    assert {f"{queue}_queue_url" for queue in ("deploy", "runs", "deliveries")} <= outputs.keys()


def test_a_public_url_replaces_the_apis_own() -> None:
    made = plan(Snapshot(), replace(SETTINGS, public_url="https://ml.example.com/api"))
    control = named("platform-control-function", made.resources)
    assert made.outputs["url"] == "https://ml.example.com/api"
    assert control.inputs["environment"]["variables"]["MODELCOTE_PUBLIC_URL"] == "https://ml.example.com/api"


def test_without_a_builder_there_is_no_deployer_and_no_stream() -> None:
    assert not [row for row in planned(0).resources if "deployer" in row.name]
    assert "streamEnabled" not in named("platform-tables-registry", planned(0).resources).inputs


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
    components = {row.type for row in models.resources if not row.custom}
    assert components == {"modelcote:runtime:Layer", "modelcote:runtime:Model"}
    assert 5 <= len([row for row in models.resources if "iris" in row.name]) <= 9


def test_a_thousand_models_are_planned() -> None:
    models = tuple(model(f"m-{index}", min_replicas=index % 2) for index in range(1_000))
    made = plan(Snapshot(models, layers=(ONNX,)), SETTINGS)
    assert len([row for row in of("Function", made.resources) if "model-" in row.name]) == 1_000
    assert len(made.resources) == len(planned(1).resources) + 6 * 999 + 500
