"""What becomes of a deploy: taken up, built, ready, superseded, failed, forgotten. One conditional transaction each."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from modelcote.aws.rows import project_pk
from modelcote.aws.table import ConditionFailed, check, delete, update
from modelcote.core.errors import Conflict, ModelcoteError, to_problem
from modelcote.core.snapshot import Package
from modelcote.core.times import now
from modelcote.registry.deploys import Deploys
from modelcote.registry.records import (
    ARCHIVED,
    BUILDING,
    DELETE,
    DELETING,
    DEPLOY,
    DEPLOYING,
    FAILED,
    QUEUED,
    READY,
    RUNNING,
    SUCCEEDED,
    UPLOADED,
    Deploy,
    Model,
    deploy_sk,
    model_sk,
    version_sk,
)
from modelcote.registry.versions import Versions

_TRIES = 5


class Outcomes(Versions, Deploys):
    """The part of the registry that the deploy worker writes."""

    def begin(self, project: str, deploy_id: str) -> Deploy | None:
        """Takes a message up: the deploy is RUNNING, its version BUILDING (kind `deploy`).

        None when there is nothing to do: the deploy is unknown or finished (a message that came twice), or its
        model has been deleted meanwhile, which ends it as FAILED. A deploy that a crashed worker left RUNNING is
        given again.
        """
        item = self.table.get(project_pk(project), deploy_sk(deploy_id))
        deploy = Deploy.from_item(item) if item else None
        if deploy is None or deploy.finished:
            return None
        at = now()
        running = update(
            deploy.key,
            {"state": RUNNING, "updated_at": at},
            "#state IN (:queued, :running)",
            queued=QUEUED,
            running=RUNNING,
        )
        model_key = (project_pk(project), model_sk(deploy.model))
        if deploy.kind == DELETE:
            actions = [check(model_key, "#state = :deleting", deleting=DELETING)]
        else:
            actions = [check(model_key, "attribute_exists(#pk) AND #state <> :deleting", deleting=DELETING)]
        if deploy.kind == DEPLOY:
            actions.append(
                update(
                    (project_pk(project), version_sk(deploy.model, deploy.version)),
                    {"state": BUILDING, "updated_at": at},
                    "#state IN (:uploaded, :building)",
                    uploaded=UPLOADED,
                    building=BUILDING,
                )
            )
        try:
            self.table.transact(running, *actions)
        except ConditionFailed:
            gone = Conflict(f"{deploy.model} was deleted before this deploy began.", "Deploy it again.")
            self.table.transact(self._ended(deploy, FAILED, gone))
            return None
        return self.get_deploy(project, deploy_id)

    def mark_built(
        self, deploy: Deploy, package: Package, runtime: str, compiled: dict[str, Any] | None = None
    ) -> None:
        """Records the package of a BUILDING version, so that the next snapshot may hold it."""
        self.table.update(
            (project_pk(deploy.project), version_sk(deploy.model, deploy.version)),
            {
                "package_json": json.dumps(asdict(package)),
                "runtime": runtime,
                "compiled": bool(compiled and compiled.get("used")),
                "compiled_json": json.dumps(compiled) if compiled else "",
                "updated_at": now(),
            },
            "#state = :building",
            building=BUILDING,
        )

    def mark_ready(self, deploy: Deploy, function_name: str) -> None:
        """The version serves: it is READY, the one before it ARCHIVED, the model points at it; one transaction.

        The model stays DEPLOYING when a later deploy of it waits. Doing it twice changes nothing.
        """
        pk = project_pk(deploy.project)
        for _ in range(_TRIES):
            model = self.get_model(deploy.project, deploy.model)
            version = self.get_version(deploy.project, deploy.model, deploy.version)
            at = now()
            replaces = model.current_version not in (0, version.version)
            before = model.current_version if replaces else model.previous_version
            settled = model.wanted_version == deploy.version
            actions = [
                self._ended(deploy, SUCCEEDED),
                update(version.key, {"state": READY, "updated_at": at}),
                update(
                    model.key,
                    {
                        "current_version": version.version,
                        "previous_version": before,
                        "state": READY if settled else DEPLOYING,
                        "function_name": function_name,
                        "runtime": version.runtime,
                        "compiled": version.compiled,
                        "timeout_s": version.spec.timeout,
                        "mode": version.spec.mode,
                        "updated_at": at,
                    },
                    "#current_version = :current AND #wanted_version = :wanted AND #state <> :deleting",
                    current=model.current_version,
                    wanted=model.wanted_version,
                    deleting=DELETING,
                ),
            ]
            if replaces:
                actions.append(update((pk, version_sk(deploy.model, before)), {"state": ARCHIVED, "updated_at": at}))
            try:
                self.table.transact(*actions)
            except ConditionFailed:
                if self.get_deploy(deploy.project, deploy.deploy_id).finished:
                    return
                if self.get_model(deploy.project, deploy.model).state == DELETING:
                    self.mark_superseded(deploy)
                    return
            else:
                return
        raise Conflict(f"{deploy.model} changed while it became ready.", "Deploy it again.")

    def mark_superseded(self, deploy: Deploy) -> None:
        """The version is built but a later request is served instead: it is ARCHIVED, the deploy SUCCEEDED."""
        version_key = (project_pk(deploy.project), version_sk(deploy.model, deploy.version))
        archived = update(
            version_key,
            {"state": ARCHIVED, "updated_at": now()},
            "attribute_exists(#pk) AND #state <> :ready",
            ready=READY,
        )
        self._finish(deploy, self._ended(deploy, SUCCEEDED), archived)

    def mark_failed(self, deploy: Deploy, error: ModelcoteError) -> None:
        """The deploy FAILED: what served before goes on serving.

        A new version becomes FAILED with the reason; a version that was rolled back to keeps its state. The
        model wants its current version again, unless a later deploy of it waits. A model whose deletion failed
        stays DELETING, and may be deleted again.
        """
        ended = self._ended(deploy, FAILED, error)
        pk = project_pk(deploy.project)
        actions: list[dict[str, Any]] = []
        if deploy.kind == DEPLOY:
            actions.append(
                update(
                    (pk, version_sk(deploy.model, deploy.version)),
                    {"state": FAILED, "message": str(error), "updated_at": now()},
                    "#state IN (:uploaded, :building)",
                    uploaded=UPLOADED,
                    building=BUILDING,
                )
            )
        if deploy.kind != DELETE:
            item = self.table.get(pk, model_sk(deploy.model))
            model = Model.from_item(item) if item else None
            if model and model.deploy_id == deploy.deploy_id:
                actions.append(
                    update(
                        model.key,
                        {
                            "wanted_version": model.current_version,
                            "state": READY if model.current_version else FAILED,
                            "updated_at": now(),
                        },
                        "#deploy_id = :id AND #current_version = :current AND #state <> :deleting",
                        id=deploy.deploy_id,
                        current=model.current_version,
                        deleting=DELETING,
                    )
                )
        try:
            self._finish(deploy, ended, *actions)
        except Conflict:
            # The model or the version moved on meanwhile (a later deploy, a deletion): only this deploy ends.
            self._finish(deploy, ended)

    def forget(self, deploy: Deploy) -> None:
        """Ends a deletion: the model's rows and its objects in the bucket are gone, the deploy SUCCEEDED."""
        pk = project_pk(deploy.project)
        for item in self.table.query(pk, version_sk(deploy.model)):
            self.table.delete((pk, item["sk"]))
        for folder in ("uploads", "bundles", "packages"):
            self._empty(f"{folder}/{deploy.project}/{deploy.model}/")
        gone = delete((pk, model_sk(deploy.model)), "#state = :deleting", deleting=DELETING)
        self._finish(deploy, self._ended(deploy, SUCCEEDED), gone)

    def _empty(self, prefix: str) -> None:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for row in page.get("Contents", []):
                self.s3.delete_object(Bucket=self.bucket, Key=row["Key"])

    def _ended(self, deploy: Deploy, state: str, error: ModelcoteError | None = None) -> dict[str, Any]:
        return update(
            deploy.key,
            {"state": state, "error_json": json.dumps(to_problem(error)) if error else "", "updated_at": now()},
            "#state IN (:queued, :running)",
            queued=QUEUED,
            running=RUNNING,
        )

    def _finish(self, deploy: Deploy, *actions: dict[str, Any]) -> None:
        """All of it, or nothing when the deploy has ended already; else `Conflict`."""
        try:
            self.table.transact(*actions)
        except ConditionFailed:
            if not self.get_deploy(deploy.project, deploy.deploy_id).finished:
                raise Conflict(f"{deploy.model} changed while its deploy ended.", "Deploy it again.") from None
