"""`cote up`: what `pulumi up` does in a checkout, without one: assets, settings, snapshot, engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.config import Settings, check_settings
from modelcote.core.snapshot import Layer, Snapshot
from modelcote.deploy.aws_builder import AwsBuilder
from modelcote.deploy.prepare import prepare
from modelcote.deploy.pulumi_engine import PulumiEngine, require_cli
from modelcote.deploy.snapshot import take_snapshot
from modelcote.registry.clients import make_clients, make_session
from modelcote.registry.store import Registry


def stack_up(stack: str, region: str, backend: str = "", home: Path | None = None) -> Mapping[str, Any]:
    """Make or update a stack with the caller's AWS credentials; gives the program's outputs.

    `backend`: where Pulumi keeps state; by default a folder below `home` (`~/.modelcote`). Raises `DeployFailed`, first
    of all where the pulumi command is missing.
    """
    require_cli()
    home = home or Path.home() / ".modelcote"
    state = home / "pulumi-state"
    state.mkdir(parents=True, exist_ok=True)
    account = make_session().client("sts").get_caller_identity()["Account"]
    assets = prepare(home / "build")
    settings = Settings(
        stack, region, account, assets["platform_archive"], Layer(**assets["platform_layer"])
    )
    check_settings(settings, "all")
    return PulumiEngine(settings, backend or f"file://{state}", home).up(_snapshot(stack))


def _snapshot(stack: str) -> Snapshot:
    """The stack's registry, or nothing where the stack has no registry yet."""
    clients = make_clients()
    table = f"modelcote-{stack}-registry"
    try:
        clients.dynamodb.describe_table(TableName=table)
    except clients.dynamodb.exceptions.ResourceNotFoundException:
        return Snapshot()
    registry = Registry(table, "", clients=clients)
    return take_snapshot(registry, AwsBuilder(registry).layer_of)
