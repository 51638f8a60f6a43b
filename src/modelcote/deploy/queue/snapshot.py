"""The registry's snapshot with the layers of its packages: the input of an engine run.

`python -m modelcote.deploy.queue.snapshot` answers it to `pulumi up` (see `modelcote.core.processes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3

from modelcote.aws.clients import make_clients
from modelcote.core.processes import answer
from modelcote.core.snapshot import Layer, Snapshot, snapshot_to_json
from modelcote.registry import snapshots
from modelcote.registry.store import Registry, open_registry


def take_snapshot(registry: Registry, layer_of: Callable[[str], Layer]) -> Snapshot:
    """Return every model to be served, the tombstones, and each layer that one of the models needs."""
    snapshot = snapshots.read(registry)
    keys = sorted({key for model in snapshot.models for key in model.package.layers})
    return replace(snapshot, layers=tuple(layer_of(key) for key in keys))


def _answer(task: Mapping[str, str]) -> dict[str, Any]:
    """Return `{"table_exists", "snapshot"}` for a task of `stack` and `region`."""
    from modelcote.deploy.artifacts.aws_runtimes import AwsRuntimes

    clients = make_clients(boto3.Session(region_name=task["region"]))
    table = f"modelcote-{task['stack']}-registry"
    registry = open_registry(table, "", clients=clients)
    try:
        clients.dynamodb.describe_table(TableName=table)
    except clients.dynamodb.exceptions.ResourceNotFoundException:
        return {"table_exists": False, "snapshot": snapshot_to_json(Snapshot())}
    snapshot = take_snapshot(registry, AwsRuntimes(registry).layer_of)
    return {"table_exists": True, "snapshot": snapshot_to_json(snapshot)}


if __name__ == "__main__":
    answer(_answer)
