"""The registry's snapshot with the layers of its packages: what an engine run is given.

`python -m modelcote.deploy.queue.snapshot --stack S --region R` prints it for `pulumi up`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace

import boto3

from modelcote.aws.clients import make_clients
from modelcote.core.snapshot import Layer, Snapshot, snapshot_to_json
from modelcote.registry.store import Registry


def take_snapshot(registry: Registry, layer_of: Callable[[str], Layer]) -> Snapshot:
    """Every model that shall be served, the tombstones, and each layer that one of the models needs."""
    found = registry.snapshot()
    keys = sorted({key for model in found.models for key in model.package.layers})
    return replace(found, layers=tuple(layer_of(key) for key in keys))


def main() -> None:
    """Prints `{"table_exists", "snapshot"}`."""
    from modelcote.deploy.artifacts.aws_builder import AwsBuilder

    parser = argparse.ArgumentParser(prog="python -m modelcote.deploy.queue.snapshot")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--region", required=True)
    given = parser.parse_args()
    clients = make_clients(boto3.Session(region_name=given.region))
    table = f"modelcote-{given.stack}-registry"
    registry = Registry(table, "", clients=clients)
    try:
        clients.dynamodb.describe_table(TableName=table)
    except clients.dynamodb.exceptions.ResourceNotFoundException:
        print(json.dumps({"table_exists": False, "snapshot": json.loads(snapshot_to_json(Snapshot()))}))
        return
    taken = take_snapshot(registry, AwsBuilder(registry).layer_of)
    print(json.dumps({"table_exists": True, "snapshot": json.loads(snapshot_to_json(taken))}))


if __name__ == "__main__":
    main()
