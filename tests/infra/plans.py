"""Snapshots, settings and plans that several tests look at; each plan is made once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from infra.config import CodeBuildSettings, Scope, Settings, WebhookNetwork
from modelcote.core.snapshot import DeployedModel, Layer, Package, Snapshot
from modelcote.deploy.program import plan as product
from modelcote.deploy.program.monitor import Resource
from modelcote.deploy.program.plan import Plan
from modelcote.dialects import PREDICT_ROUTES
from tests.infra.planner import plan

ONNX = Layer("onnx-py3.11-0123456789ab", "onnx", "3.11", "s3:///layers/onnx-py3.11-0123456789ab.zip")
SKLEARN = Layer("sklearn-py3.12-ba9876543210", "sklearn", "3.12", "/layers/sklearn")
SETTINGS = Settings(
    stack="dev",
    region="eu-west-1",
    account="123456789012",
    platform_archive="/build/platform.zip",
    platform_layer=Layer("platform-py3.13-aaaaaaaaaaaa", "platform", "3.13", "/build/layer.zip"),
    predict_paths=tuple(route.path for route in PREDICT_ROUTES),
    alarm_email="ops@example.com",
    tags={"team": "ml"},
)
# With the deployer in the account, which needs the models in a stack of their own.
WITH_DEPLOYER = replace(
    SETTINGS,
    builder=CodeBuildSettings(
        "public.ecr.aws/pulumi/pulumi-python:3.272.0", "/build/modelcote.zip", "s3://pulumi-state"
    ),
)

# With the webhooks' sender in a network of its own, besides.
NETWORK = WebhookNetwork("vpc-0a1b2c3d4e5f60718", ("subnet-0a1b2c3d", "subnet-0a1b2c3d4e5f60719"))
WITH_NETWORK = replace(WITH_DEPLOYER, webhook_network=NETWORK)


def model(name: str, version: int = 1, **facts: object) -> DeployedModel:
    """A compiled model in a zip; `facts` replace its fields."""
    values: dict[str, object] = {
        "project": "demo",
        "name": name,
        "version": version,
        "package": Package("cGFja2FnZQ==", f"packages/demo/{name}/{version}/ab.zip", (ONNX.key,)),
        "bundle_key": f"bundles/demo/{name}/{version}/bundle.zip",
        "bundle_sha256": "ab" * 32,
        "python_version": "3.11",
        "memory_mb": 1_769,
        "timeout_s": 60,
        **facts,
    }
    return DeployedModel(**values)  # type: ignore[arg-type]


IRIS = model("iris")
CHURN = model(
    "churn",
    version=7,
    package=Package("c2tsZWFybg==", "packages/demo/churn/7/cd.zip", (SKLEARN.key,)),
    python_version="3.12",
    memory_mb=4_096,
    min_replicas=2,
    max_replicas=20,
)
VISION = model(
    "vision",
    project="a-rather-long-project-name-here",
    package=Package("aW1hZ2U=", image_uri=f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/modelcote@sha256:{'0' * 64}"),
)
SNAPSHOTS = {
    0: Snapshot(),
    1: Snapshot((IRIS,), layers=(ONNX,)),
    3: Snapshot((IRIS, CHURN, VISION), layers=(ONNX, SKLEARN)),
}


@cache
def planned(models: int, scope: Scope = "all") -> Plan:
    """The plan of 0, 1 or 3 models."""
    return plan(SNAPSHOTS[models], SETTINGS, scope)


@cache
def planned_platform() -> Plan:
    """The plan of the platform alone, with the deployer; made as the deployer makes it."""
    return product.plan(Snapshot(), WITH_DEPLOYER, "platform")


@cache
def planned_network() -> Plan:
    """The plan of the platform alone, with every choice that adds resources."""
    return plan(Snapshot(), WITH_NETWORK, "platform")


def every_choice() -> list[Resource]:
    """`everything`, with what only a setting adds."""
    return list({**{row.urn: row for row in everything()}, **planned_network().by_urn()}.values())


def everything() -> list[Resource]:
    """Every resource that the program knows, once: three models, the platform and the deployer."""
    return list({row.urn: row for row in (*planned(3).resources, *planned_platform().resources)}.values())


def named(name: str, rows: Iterable[Resource] = ()) -> Resource:
    """Return the resource with this name among these rows, by default among `everything`."""
    return next(row for row in rows or everything() if row.name == name)


def of(kind: str, rows: Iterable[Resource] = ()) -> list[Resource]:
    """Return the resources of a kind, by default those of the plan of three models."""
    return [row for row in rows or planned(3).resources if row.type.endswith(f":{kind}")]


def statements(role_policy: str, rows: Iterable[Resource] = ()) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(named(role_policy, rows).inputs["policy"])["Statement"]
    return found
