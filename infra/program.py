"""The program: a function of the registry's snapshot, run by the Pulumi engine on AWS, by the materialiser locally."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

import pulumi

from infra.components.layers import RuntimeLayer
from infra.components.model import Model, ModelArgs, component_name
from infra.components.platform import PlatformStack
from infra.config import Scope, Settings, check_settings
from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Snapshot
from modelcote.core.target import LAMBDA

SERVING = {LAMBDA: Model}  # The component of a model, by its backend.


def program(snapshot: Snapshot, settings: Settings, scope: Scope = "all") -> None:
    """Register every resource of `scope` and export what callers need; see docs/architecture/07-deploy.md.

    Exports: `url, registry_table, runs_table, bucket, deploy_queue_url, runs_queue_url, deliveries_queue_url,
    state_machine_arn, key_arn, boundary_arn` (not in scope `model`); `targets` (`project/model` -> backend and address)
    and `layers` (key -> ARN; not in scope `platform`); `snapshot_digest` always.
    """
    check_settings(settings, scope)
    _check_snapshot(snapshot)
    platform = settings.platform
    if scope == "model" and platform is not None:
        _models(snapshot, settings, platform.bucket, platform.key_arn, platform.boundary_arn, platform.layers)
    else:
        _platform(snapshot, settings, scope)
    pulumi.export("snapshot_digest", snapshot.digest)


def _platform(snapshot: Snapshot, settings: Settings, scope: Scope) -> None:
    platform = PlatformStack("platform", settings)
    parts = platform.parts
    bucket = parts.buckets.artifacts.bucket
    pulumi.export("url", parts.api.url)
    pulumi.export("registry_table", parts.tables.registry.name)
    pulumi.export("runs_table", parts.tables.runs.name)
    pulumi.export("bucket", bucket)
    pulumi.export("deploy_queue_url", parts.queues.deploys.url)
    pulumi.export("runs_queue_url", parts.work.runs.url)
    pulumi.export("deliveries_queue_url", parts.work.deliveries.url)
    pulumi.export("state_machine_arn", platform.runs.machine.arn)
    pulumi.export("key_arn", parts.keys.arn)
    pulumi.export("boundary_arn", parts.boundary.arn)
    if scope == "all":
        _models(snapshot, settings, bucket, parts.keys.arn, parts.boundary.arn, {})


def _models(
    snapshot: Snapshot,
    settings: Settings,
    bucket: pulumi.Input[str],
    key_arn: pulumi.Input[str],
    boundary_arn: pulumi.Input[str],
    layers: Mapping[str, pulumi.Input[str]],
) -> None:
    own = {
        layer.key: RuntimeLayer(f"layer-{layer.key}", settings, layer, bucket).arn
        for layer in sorted(snapshot.layers, key=lambda row: row.key)
        if layer.key not in layers
    }
    arns = {**layers, **own}
    targets = {
        f"{model.project}/{model.name}": SERVING[model.backend](
            component_name(model.project, model.name), ModelArgs(settings, model, bucket, key_arn, boundary_arn, arns)
        ).target
        for model in sorted(snapshot.models, key=lambda row: (row.project, row.name))
    }
    pulumi.export("targets", {name: asdict(target) for name, target in targets.items()})
    pulumi.export("layers", arns)


def _check_snapshot(snapshot: Snapshot) -> None:
    rows = Counter([(model.project, model.name) for model in snapshot.models] + list(set(snapshot.tombstones)))
    twice = sorted(row for row, times in rows.items() if times > 1)
    if twice:
        raise DeployFailed(
            f"the snapshot holds {'/'.join(twice[0])} twice, or both alive and deleted.",
            "Try again; if it fails again, restore the registry table.",
        )
    for model in snapshot.models:
        if bool(model.package.s3_key) == bool(model.package.image_uri):
            raise DeployFailed(
                f"the package of {model.project}/{model.name} is neither a zip nor an image.", "Deploy it again."
            )
