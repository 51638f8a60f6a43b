"""Reading the registry whole: what the Pulumi program and the engine run on."""

from __future__ import annotations

from collections.abc import Sequence

from modelcote.aws.rows import project_pk
from modelcote.aws.table import Table
from modelcote.core.errors import BackendUnavailable
from modelcote.core.snapshot import DeployedModel, Layer, Snapshot
from modelcote.registry.records import DELETING, FAILED, Model, Version, version_sk


class Snapshots:
    """The part of the registry that is read at once."""

    table: Table

    def snapshot(self, layers: Sequence[Layer] = ()) -> Snapshot:
        """Every model that shall be served, with the version that shall serve it, and the tombstones.

        A model is served by its wanted version once that is built, until then by its current one; a model with
        neither is left out. Reads are consistent and cover all pages; raises `BackendUnavailable` for a part.
        """
        models = [
            Model.from_item(item)
            for project in self.table.query("PROJECTS")
            for item in self.table.query(project_pk(project["sk"]), "MODEL#")
        ]
        living = [model for model in models if model.state != DELETING]
        versions = self._versions(living)
        chosen = ((model, _choose(model, versions)) for model in living)
        return Snapshot(
            models=tuple(_deployed(version) for _, version in chosen if version is not None),
            tombstones=tuple((model.project, model.name) for model in models if model.state == DELETING),
            layers=tuple(layers),
        )

    def _versions(self, models: Sequence[Model]) -> dict[tuple[str, str], Version]:
        """The wanted and current versions of these models by key; refuses to miss one."""
        keys = {
            (project_pk(model.project), version_sk(model.name, number))
            for model in models
            for number in (model.wanted_version, model.current_version)
            if number
        }
        found = self.table.get_many(sorted(keys))
        missing = keys - found.keys()
        if missing:
            raise BackendUnavailable(
                f"the registry lacks the row {sorted(missing)[0][1]}, which its model names.",
                "Try again; if it stays so, restore the table.",
            )
        return {key: Version.from_item(item) for key, item in found.items()}


def _choose(model: Model, versions: dict[tuple[str, str], Version]) -> Version | None:
    for number in (model.wanted_version, model.current_version):
        version = versions.get((project_pk(model.project), version_sk(model.name, number)))
        if version is not None and version.package is not None and version.state != FAILED:
            return version
    return None


def _deployed(version: Version) -> DeployedModel:
    spec, package = version.spec, version.package
    assert package is not None  # `_choose` gives built versions only
    return DeployedModel(
        project=version.project,
        name=version.name,
        version=version.version,
        package=package,
        bundle_key=version.bundle_key,
        bundle_sha256=version.bundle_sha256,
        python_version=spec.python_version,
        memory_mb=spec.lambda_memory_mb,
        timeout_s=spec.timeout,
        min_replicas=spec.min_replicas,
        max_replicas=spec.max_replicas,
    )
