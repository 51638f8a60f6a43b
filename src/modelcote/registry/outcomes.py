"""The steps of a deploy: begun, built, ready, superseded, failed, forgotten. One conditional transaction each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from modelcote.aws.table import ConditionFailed, check, delete, update
from modelcote.core.errors import Conflict, ModelcoteError, NotFound, to_problem
from modelcote.core.objects import BUNDLES, PACKAGES, UPLOADS
from modelcote.core.snapshot import Package
from modelcote.core.target import Target
from modelcote.core.times import now
from modelcote.registry import deploys, models, versions
from modelcote.registry.records import LIVING, Deploy, DeployKind, DeployState, Model, ModelState, VersionState
from modelcote.registry.store import Registry

_TRIES = 5
# A row of DynamoDB holds 400 KB, and a list of versions reads every one of them whole.
_INPUTS_BYTES = 32_768
_DELETING: dict[str, Any] = {"condition": "#state = :deleting", "deleting": ModelState.DELETING}
_UNBUILT: dict[str, Any] = {
    "condition": "#state IN (:uploaded, :building)",
    "uploaded": VersionState.UPLOADED,
    "building": VersionState.BUILDING,
}


def begin(registry: Registry, project: str, deploy_id: str) -> Deploy | None:
    """Start a deploy: it is RUNNING, its version BUILDING (kind `deploy`).

    None when there is nothing to do: the deploy is unknown or finished (a message delivered twice), or its model has
    been deleted meanwhile, which ends it as FAILED. A deploy that a crashed worker left RUNNING is returned again.
    """
    try:
        deploy = deploys.get(registry, project, deploy_id)
    except NotFound:
        return None
    if deploy.finished:
        return None
    condition = _DELETING if deploy.kind == DeployKind.DELETE else LIVING
    actions = [_moved(deploy, DeployState.RUNNING), check(deploy.model_key, **condition)]
    if deploy.kind == DeployKind.DEPLOY:
        changes = {"state": VersionState.BUILDING, "updated_at": now()}
        actions.append(update(deploy.version_key, changes, **_UNBUILT))
    try:
        registry.table.transact(*actions)
    except ConditionFailed:
        gone = Conflict(f"{deploy.model} was deleted before this deploy began.", "Deploy it again.")
        registry.table.transact(_ended(deploy, DeployState.FAILED, gone))
        return None
    return deploys.get(registry, project, deploy_id)


def mark_built(
    registry: Registry,
    deploy: Deploy,
    package: Package,
    runtime: str,
    compiled: dict[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> None:
    """Record the package of a BUILDING version, so that the next snapshot may hold it.

    `inputs`: the description that is served, as `modelcote.core.inputs.Inputs.to_dict` writes it.
    """
    registry.table.update(
        deploy.version_key,
        {
            "package_json": json.dumps(asdict(package)),
            "runtime": runtime,
            "compiled": bool(compiled and compiled.get("used")),
            "compiled_json": json.dumps(compiled) if compiled else "",
            "inputs_json": _inputs_json(inputs) if inputs else "",
            "updated_at": now(),
        },
        "#state = :building",
        building=VersionState.BUILDING,
    )


def _inputs_json(inputs: Mapping[str, Any]) -> str:
    """Return the text to store; empty where it is longer than 32 KB, or a name in it is not Unicode text."""
    text = json.dumps(inputs, ensure_ascii=False, separators=(",", ":"))
    try:
        return text if len(text.encode()) <= _INPUTS_BYTES else ""
    except UnicodeEncodeError:
        return ""


def mark_ready(registry: Registry, deploy: Deploy, target: Target) -> None:
    """Serve the version: it is READY, the one before it ARCHIVED, the model points at it; one transaction.

    The model stays DEPLOYING when a later deploy of it waits. Doing it twice changes nothing.
    """
    for _ in range(_TRIES):
        model = models.get(registry, deploy.project, deploy.model)
        version = versions.get(registry, deploy.project, deploy.model, deploy.version)
        at = now()
        replaces = model.current_version not in (0, version.version)
        before = model.current_version if replaces else model.previous_version
        settled = model.wanted_version == deploy.version
        actions = [
            _ended(deploy, DeployState.SUCCEEDED),
            update(version.key, {"state": VersionState.READY, "updated_at": at}),
            update(
                model.key,
                {
                    "current_version": version.version,
                    "previous_version": before,
                    "state": ModelState.READY if settled else ModelState.DEPLOYING,
                    **asdict(target),
                    "runtime": version.runtime,
                    "compiled": version.compiled,
                    "timeout_s": version.spec.timeout,
                    "mode": version.spec.mode,
                    "updated_at": at,
                },
                "#current_version = :current AND #wanted_version = :wanted AND #state <> :deleting",
                current=model.current_version,
                wanted=model.wanted_version,
                deleting=ModelState.DELETING,
            ),
        ]
        if replaces:
            old = model.version_key(before)
            actions.append(update(old, {"state": VersionState.ARCHIVED, "updated_at": at}))
        try:
            registry.table.transact(*actions)
        except ConditionFailed:
            if deploys.get(registry, deploy.project, deploy.deploy_id).finished:
                return
            if models.get(registry, deploy.project, deploy.model).state == ModelState.DELETING:
                mark_superseded(registry, deploy)
                return
        else:
            return
    raise Conflict(f"{deploy.model} changed while it became ready.", "Deploy it again.")


def mark_superseded(registry: Registry, deploy: Deploy) -> None:
    """Archive a built version because a later request is served instead: it is ARCHIVED, the deploy SUCCEEDED."""
    changes = {"state": VersionState.ARCHIVED, "updated_at": now()}
    archived = update(
        deploy.version_key, changes, "attribute_exists(#pk) AND #state <> :ready", ready=VersionState.READY
    )
    _finish(registry, deploy, _ended(deploy, DeployState.SUCCEEDED), archived)


def mark_failed(registry: Registry, deploy: Deploy, error: ModelcoteError) -> None:
    """End the deploy as FAILED: what served before goes on serving.

    A new version becomes FAILED with the reason; a version that was rolled back to keeps its state. The model wants
    its current version again, unless a later deploy of it waits. A model whose deletion failed stays DELETING, and
    may be deleted again.
    """
    ended = _ended(deploy, DeployState.FAILED, error)
    actions: list[dict[str, Any]] = []
    if deploy.kind == DeployKind.DEPLOY:
        changes: dict[str, Any] = {"state": VersionState.FAILED, "message": error.text, "updated_at": now()}
        actions.append(update(deploy.version_key, changes, **_UNBUILT))
    if deploy.kind != DeployKind.DELETE:
        model = Model.read(registry.table.get, deploy.model_key)
        if model and model.deploy_id == deploy.deploy_id:
            changes = {
                "wanted_version": model.current_version,
                "state": ModelState.READY if model.current_version else ModelState.FAILED,
                "updated_at": now(),
            }
            unchanged = "#deploy_id = :id AND #current_version = :current AND #state <> :deleting"
            values = {"id": deploy.deploy_id, "current": model.current_version, "deleting": ModelState.DELETING}
            actions.append(update(model.key, changes, unchanged, **values))
    try:
        _finish(registry, deploy, ended, *actions)
    except Conflict:
        # The model or the version moved on meanwhile (a later deploy, a deletion): only this deploy ends.
        _finish(registry, deploy, ended)


def forget(registry: Registry, deploy: Deploy) -> None:
    """End a deletion: the model's rows and its objects in the bucket are gone, the deploy SUCCEEDED."""
    versions.delete_all(registry, deploy.project, deploy.model)
    pages = registry.s3.get_paginator("list_objects_v2")
    for folder in (UPLOADS, BUNDLES, PACKAGES):
        for page in pages.paginate(Bucket=registry.bucket, Prefix=f"{folder}/{deploy.project}/{deploy.model}/"):
            for row in page.get("Contents", []):
                registry.s3.delete_object(Bucket=registry.bucket, Key=row["Key"])
    _finish(registry, deploy, _ended(deploy, DeployState.SUCCEEDED), delete(deploy.model_key, **_DELETING))


def _ended(deploy: Deploy, state: DeployState, error: ModelcoteError | None = None) -> dict[str, Any]:
    return _moved(deploy, state, error_json=json.dumps(to_problem(error)) if error else "")


def _moved(deploy: Deploy, state: DeployState, **changes: str) -> dict[str, Any]:
    """Return the action that moves a deploy which has not ended to a state."""
    states = {"queued": DeployState.QUEUED, "running": DeployState.RUNNING}
    return update(
        deploy.key, {"state": state, "updated_at": now(), **changes}, "#state IN (:queued, :running)", **states
    )


def _finish(registry: Registry, deploy: Deploy, *actions: dict[str, Any]) -> None:
    """Do all of it, or nothing when the deploy has ended already; else raise `Conflict`."""
    try:
        registry.table.transact(*actions)
    except ConditionFailed:
        if not deploys.get(registry, deploy.project, deploy.deploy_id).finished:
            raise Conflict(f"{deploy.model} changed while its deploy ended.", "Deploy it again.") from None
