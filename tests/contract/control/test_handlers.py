"""The Lambda handlers, called with the events that AWS sends."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from modelcote.core.project import project_root
from tests.contract.control.stand import PROJECT, Stand
from tests.support.emulator import Emulator
from tests.support.events import predict_event

DEPLOYER = "modelcote-test-deployer"


@pytest.fixture
def loop() -> Iterator[None]:
    """The event loop that Mangum would make and never close; in a Lambda function it lives as long as the process."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield
    asyncio.set_event_loop(None)
    made.close()


@pytest.fixture
def environment(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, runs = stand.registry, stand.services.runs
    mine = {
        "STACK": "test", "PUBLIC_URL": "https://api.example", "DEPLOYER_PROJECT": DEPLOYER,
        "REGISTRY_TABLE": registry.table.name, "BUCKET": registry.bucket, "DEPLOY_QUEUE_URL": registry.queue_url,
        "RUNS_TABLE": runs.table.name, "RUNS_QUEUE_URL": runs.runs_queue, "DELIVERIES_QUEUE_URL": runs.deliveries_queue,
        "STATE_MACHINE_ARN": stand.services.executions.arn, "KEY_ARN": "arn:aws:kms:us-east-1:000000000000:key/x",
    }  # fmt: skip
    for name, value in mine.items():
        monkeypatch.setenv(f"MODELCOTE_{name}", value)


def fresh(name: str) -> ModuleType:
    """The handler's module, imported again so that it reads this test's environment."""
    sys.modules.pop(f"handlers.{name}", None)
    return importlib.import_module(f"handlers.{name}")


@pytest.mark.usefixtures("environment", "loop")
def test_control(stand: Stand) -> None:
    handler: Any = fresh("control").handler
    path, headers = f"/v1/projects/{PROJECT}/models", {"content-type": None}
    event = predict_event(b"", path=path, method="GET", key=stand.keys["deploy"], headers=headers)
    answer = handler(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"models": []})
    assert answer["headers"]["x-request-id"] == event["requestContext"]["requestId"]
    event["headers"].pop("authorization")
    refused = handler(event, None)
    assert (refused["statusCode"], refused["isBase64Encoded"]) == (401, False)
    assert refused["headers"]["content-type"] == "application/problem+json"
    event["rawPath"] = f"/v1/projects/{PROJECT}/models/%2e%2e"
    assert handler(event, None)["statusCode"] == 404


@pytest.mark.usefixtures("environment")
def test_gateway(stand: Stand) -> None:
    handler: Any = fresh("gateway").handler
    answer = handler(predict_event(key=stand.keys["predict"]), None)
    assert answer["statusCode"] == 404
    handler.__globals__["_table"].client.close()


@pytest.mark.usefixtures("environment")
def test_deploy_requested(aws: Emulator) -> None:
    codebuild = aws.client("codebuild")
    codebuild.create_project(
        name=DEPLOYER,
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole="arn:aws:iam::000000000000:role/x",
    )
    handler: Any = fresh("deploy_requested").handler
    record = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "100", "Keys": {"sk": {"S": "DEPLOY#x"}}}}
    assert handler({"Records": [record, record]}, None) == {"batchItemFailures": []}
    assert len(codebuild.list_builds_for_project(projectName=DEPLOYER)["ids"]) == 1


def test_what_a_cold_gateway_does_not_import() -> None:
    """Every caller waits for its cold start: no boto3, no framework, no cryptography until one is needed."""
    heavy = [
        "boto3", "botocore", "fastapi", "pydantic", "jwt", "cryptography", "multipart", "asyncio", "httpx", "urllib3",
        "httpcore", "modelcote.runs", "modelcote.webhooks",
    ]  # fmt: skip
    code = f"import sys, handlers.gateway; print([name for name in {heavy} if name in sys.modules])"
    aws = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    paths = f"{project_root()}:{project_root() / 'src'}"
    environment = {**aws, "MODELCOTE_REGISTRY_TABLE": "t", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
