"""Versions and deploys in a registry, as the API and the deployer make them."""

from __future__ import annotations

from modelcote.core.inputs import FRAME, Column, Inputs
from modelcote.core.target import LAMBDA, Target
from modelcote.registry import deploys, outcomes, versions
from modelcote.registry.records import Deploy, Version
from modelcote.registry.store import Registry
from tests.support.specs import a_package, a_spec

PROJECT = "demo"
INPUTS = Inputs(FRAME, 2, (Column("size"), Column("plan", "category", categories=("pro", "basic"))))


def uploaded(registry: Registry, name: str = "iris", project: str = PROJECT, **fields: object) -> Version:
    version, _ = versions.create(registry, project, a_spec(name, **fields))
    return versions.mark_uploaded(registry, version, "ab" * 32, 10)


def requested(registry: Registry, name: str = "iris", project: str = PROJECT, **fields: object) -> Deploy:
    return deploys.request(registry, project, name, uploaded(registry, name, project, **fields).version, "deploy")


def running(registry: Registry, deploy: Deploy) -> Deploy:
    row = outcomes.begin(registry, deploy.project, deploy.deploy_id)
    assert row is not None
    return row


def built(registry: Registry, deploy: Deploy) -> Deploy:
    row = running(registry, deploy)
    package = a_package(f"{row.model}-{row.version}")
    outcomes.mark_built(registry, row, package, "onnx", {"used": True, "reason": ""}, INPUTS.to_dict())
    return row


def finished(registry: Registry, deploy: Deploy, target: Target | None = None) -> Deploy:
    row = built(registry, deploy)
    outcomes.mark_ready(registry, row, target or Target(LAMBDA, f"local_{row.project}_{row.model}"))
    return row


def ready(
    registry: Registry, name: str = "iris", project: str = PROJECT, target: Target | None = None, **fields: object
) -> Deploy:
    """A version that serves."""
    return finished(registry, requested(registry, name, project, **fields), target)
