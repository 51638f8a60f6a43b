"""The whole program on the emulator: made, left alone, healed, and a model taken away."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.config import Settings, settings_to_json
from modelcote.core.errors import DeployFailed
from modelcote.core.names import function_name
from modelcote.core.snapshot import DeployedModel, Layer, Package, Snapshot
from modelcote.local.engine import LocalEngine
from modelcote.local.functions import read_definition
from modelcote.local.host.settings import ACCOUNT, HOST_VARIABLE, REGION
from modelcote.local.materialise.state import STATE, load_state
from tests.emulator.local.materialising import zipped
from tests.support.emulator import Emulator


def layer(folder: Path, runtime: str) -> Layer:
    (folder / runtime / "bin").mkdir(parents=True)
    return Layer(f"{runtime}-py3.11-0123456789ab", runtime, "3.11", str(folder / runtime))


@pytest.fixture
def engine(aws: Emulator, tmp_path: Path) -> LocalEngine:
    """An engine on an empty home; its functions have code that is never run."""
    archive = tmp_path / "platform.zip"
    archive.write_bytes(zipped("platform"))
    platform, paths = layer(tmp_path, "platform"), ("/v1/{project}/{model}/predict",)
    settings = Settings("local", REGION, ACCOUNT, str(archive), platform, paths)
    (tmp_path / "settings.json").write_text(settings_to_json(settings))
    environment = {**os.environ, **aws.environment, HOST_VARIABLE: "http://127.0.0.1:9"}
    return LocalEngine(tmp_path, tmp_path / "settings.json", environment)


def changed(engine: LocalEngine, before: dict[str, Any]) -> set[str]:
    """The resources that the last run made or took away."""
    after = load_state(engine.home / STATE).resources
    return {urn for urn in {*before, *after} if before.get(urn) != after.get(urn)}


def test_a_models_life_touches_its_own_resources_alone(engine: LocalEngine, aws: Emulator, tmp_path: Path) -> None:
    outputs = engine.up(Snapshot())
    before = load_state(tmp_path / STATE).resources
    code = zipped("model")
    aws.clients.s3.put_object(Bucket=outputs["bucket"], Key="packages/m.zip", Body=code)
    onnx = layer(tmp_path, "onnx")
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    package = Package(sha256=digest, s3_key="packages/m.zip", layers=(onnx.key,))
    model = DeployedModel("default", "m", 1, package, "bundles/m.zip", "0" * 64, "3.11", 512, 30)
    with_model = Snapshot(models=(model,), layers=(onnx,))

    assert engine.up(with_model)["url"] == outputs["url"]
    made = changed(engine, before)
    assert made
    assert all("default" in urn or "onnx" in urn for urn in made), made

    before = load_state(tmp_path / STATE).resources
    engine.up(with_model)
    assert changed(engine, before) == set()

    # Lost, as by a crash before it was written: everything is found where it is.
    (tmp_path / STATE).unlink()
    healed = engine.up(with_model)
    for key in ("url", "bucket", "registry_table", "deploy_queue_url"):
        assert healed[key] == outputs[key]
    assert len(aws.client("apigatewayv2").get_apis()["Items"]) == 1
    name = function_name("local", "default", "m")
    definition = read_definition(tmp_path / "functions", name)
    assert definition is not None
    served = definition.resolve("live")
    assert served is not None
    assert (served.memory_mb, served.timeout_s) == (512, 30)
    assert served.environment["MODELCOTE_MODEL"] == "m"

    with pytest.raises(DeployFailed, match="without a tombstone"):
        engine.up(Snapshot())
    assert read_definition(tmp_path / "functions", name) == definition

    engine.up(replace(with_model, models=(), tombstones=(("default", "m"),)))
    assert read_definition(tmp_path / "functions", name) is None
    functions = aws.client("lambda")
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName=name)


SOURCES = {
    "modelcote-local-runs": ("modelcote-local-run-worker", 50),
    "modelcote-local-deliveries": ("modelcote-local-deliver-webhook", 20),
    "modelcote-local-results": ("modelcote-local-task-result", 10),
    "modelcote-local-runs-dead": ("modelcote-local-dead-letters", 2),
}


def held(aws: Emulator, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the emulator holds of all that processes runs."""
    client = aws.client
    queues = {url.rsplit("/", 1)[1]: url for url in client("sqs").list_queues()["QueueUrls"]}
    keys = ["VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy", "Policy"]
    return {
        "sources": client("lambda").list_event_source_mappings()["EventSourceMappings"],
        "queues": {
            name: client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=keys)["Attributes"]
            for name, url in queues.items()
        },
        "machines": client("stepfunctions").list_state_machines()["stateMachines"],
        "machine": client("stepfunctions").describe_state_machine(stateMachineArn=outputs["state_machine_arn"]),
        "rules": client("events").list_rules()["Rules"],
        "targets": client("events").list_targets_by_rule(Rule="modelcote-local-watchdog")["Targets"],
        "indexes": client("dynamodb").describe_table(TableName=outputs["runs_table"])["Table"][
            "GlobalSecondaryIndexes"
        ],
        "notified": client("s3").get_bucket_notification_configuration(Bucket=outputs["bucket"])["QueueConfigurations"],
        "rules_of_bucket": client("s3").get_bucket_lifecycle_configuration(Bucket=outputs["bucket"])["Rules"],
    }


def plain(found: Mapping[str, Any]) -> Any:
    """Without the times and revisions that every update changes."""
    changing = {"LastModified", "revisionId", "updateDate", "ResponseMetadata"}
    text = json.dumps(found, default=str, sort_keys=True)
    return json.loads(text, object_hook=lambda row: {key: row[key] for key in row.keys() - changing})


def test_what_works_runs_off_is_made_once(engine: LocalEngine, aws: Emulator, tmp_path: Path) -> None:
    outputs = engine.up(Snapshot())
    made = held(aws, outputs)
    sources = {}
    for row in made["sources"]:
        queue, function = (row[name].rsplit(":", 1)[1] for name in ("EventSourceArn", "FunctionArn"))
        sources[queue] = (function, row["ScalingConfig"]["MaximumConcurrency"])
    assert {queue: row for queue, row in sources.items() if "modelcote-local" in queue} == SOURCES
    assert all(row["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for row in made["sources"])
    queues = made["queues"]
    for name, seconds in (("runs", "540"), ("deliveries", "360"), ("results", "360")):
        assert queues[f"modelcote-local-{name}"]["VisibilityTimeout"] == seconds
    assert json.loads(queues["modelcote-local-runs"]["RedrivePolicy"])["deadLetterTargetArn"].endswith("runs-dead")
    assert queues["modelcote-local-runs-dead"]["MessageRetentionPeriod"] == str(14 * 24 * 3600)
    assert "s3.amazonaws.com" in queues["modelcote-local-results"]["Policy"]
    definition = json.loads(made["machine"]["definition"])
    complete = definition["States"]["Complete"]["Parameters"]["FunctionName"]
    assert complete == "arn:aws:lambda:us-east-1:000000000000:function:modelcote-local-complete-run"
    (rule,) = made["rules"]
    assert (rule["Name"], rule["ScheduleExpression"]) == ("modelcote-local-watchdog", "rate(1 minute)")
    assert [row["Arn"].rsplit(":", 1)[1] for row in made["targets"]] == ["modelcote-local-watchdog"]
    assert [row["IndexName"] for row in made["indexes"]] == ["due"]
    assert made["notified"][0]["QueueArn"].endswith(":modelcote-local-results")
    assert {"results-7", "detached-90", "inputs"} <= {row["ID"] for row in made["rules_of_bucket"]}

    before = load_state(tmp_path / STATE).resources
    engine.up(Snapshot())
    assert changed(engine, before) == set()
    # The state is lost: all is found where it is, and none of it is made a second time.
    (tmp_path / STATE).unlink()
    assert engine.up(Snapshot()) == outputs
    assert plain(held(aws, outputs)) == plain(made)
