"""The whole registry at one moment: the input of the Pulumi program and of the engine."""

from __future__ import annotations

from collections.abc import Sequence

from modelcote.core.errors import BackendUnavailable
from modelcote.core.snapshot import DeployedModel, Snapshot
from modelcote.registry import models
from modelcote.registry.records import Model, ModelState, Version, VersionState
from modelcote.registry.store import Registry


def read(registry: Registry) -> Snapshot:
    """Return every model to serve, with the version to serve it, and the tombstones.

    A model is served by its wanted version once that is built, until then by its current one; a model with
    neither is left out. Reads are consistent and cover all pages; raises `BackendUnavailable` for a part.
    """
    rows = [row for project in registry.table.query("PROJECTS") for row in models.all_of(registry, project["sk"])]
    living = [model for model in rows if model.state != ModelState.DELETING]
    versions = _versions(registry, living)
    served = (_served(model, versions) for model in living)
    return Snapshot(
        models=tuple(model for model in served if model is not None),
        tombstones=tuple((model.project, model.name) for model in rows if model.state == ModelState.DELETING),
    )


def _versions(registry: Registry, rows: Sequence[Model]) -> dict[tuple[str, str], Version]:
    """Return the wanted and current versions of these models by key; refuses to miss one."""
    keys = {
        model.version_key(number)
        for model in rows
        for number in (model.wanted_version, model.current_version)
        if number
    }
    items = registry.table.get_many(sorted(keys))
    missing = keys - items.keys()
    if missing:
        raise BackendUnavailable(
            f"the registry lacks the row {sorted(missing)[0][1]}, which its model names.",
            "Try again; if it stays so, restore the table.",
        )
    return {key: Version.from_item(item) for key, item in items.items()}


def _served(model: Model, versions: dict[tuple[str, str], Version]) -> DeployedModel | None:
    """Return the model with the version to serve, if any. An unreadable spec fails its own deploy, not the others'.

    Where the version that serves now cannot be read, raise `BackendUnavailable`: leaving the model out deletes it.
    """
    for number in (model.wanted_version, model.current_version):
        version = versions.get(model.version_key(number))
        if version is None or version.package is None or version.state == VersionState.FAILED:
            continue
        try:
            spec = version.spec
            return DeployedModel(
                project=version.project,
                name=version.name,
                version=version.version,
                package=version.package,
                bundle_key=version.bundle_key,
                bundle_sha256=version.bundle_sha256,
                python_version=version.package.python_version or spec.python_version,
                memory_mb=spec.lambda_memory_mb,
                timeout_s=spec.timeout,
                min_replicas=spec.min_replicas,
                max_replicas=spec.max_replicas,
            )
        except (ValueError, KeyError, TypeError) as error:
            if number == model.current_version:
                raise BackendUnavailable(f"the spec of {version.key[1]} cannot be read.", "Restore the row.") from error
    return None
