"""Models and their versions: numbers, uploads, bundles."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from modelcote.aws.rows import project_pk
from modelcote.aws.table import ConditionFailed, Table, add, default, put
from modelcote.core.errors import Conflict, NotFound
from modelcote.core.names import check_project_name
from modelcote.core.objects import bundle_key, upload_key
from modelcote.core.spec import ModelSpec, spec_to_dict
from modelcote.core.times import now
from modelcote.registry.records import (
    AWAITING_UPLOAD,
    DELETING,
    FAILED,
    NEW,
    UPLOADED,
    Model,
    Version,
    model_sk,
    version_sk,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

UPLOAD_SECONDS = 15 * 60
ZIP = "application/zip"


class Versions:
    """The part of the registry that knows models and versions."""

    table: Table
    s3: S3Client
    bucket: str

    def ensure_project(self, project: str) -> None:
        """Writes the project's rows where they are missing; raises `InvalidSpec` for a name against the rule."""
        check_project_name(project)
        if self.table.get("PROJECTS", project):
            return
        self.table.transact(
            put({"pk": "PROJECTS", "sk": project}),
            put({"pk": project_pk(project), "sk": "PROJECT", "project": project, "created_at": now()}),
        )

    def projects(self) -> list[str]:
        """Every project's name, sorted."""
        return [item["sk"] for item in self.table.query("PROJECTS")]

    def create_version(self, project: str, spec: ModelSpec, sha256: str = "", size: int = 0) -> tuple[Version, str]:
        """A new version awaiting its upload, and the presigned URL (15 minutes, PUT, `application/zip`).

        The number is taken from a counter on the model's row, so no two calls share one; a failed call leaves a
        gap, never a loss. Raises `Conflict` while the model is being deleted.
        """
        self.ensure_project(project)
        at = now()
        try:
            model = self.table.update(
                (project_pk(project), model_sk(spec.name)),
                {
                    "project": project,
                    "name": spec.name,
                    "state": default(NEW),
                    "current_version": default(0),
                    "wanted_version": default(0),
                    "last_version": add(1),
                    "updated_at": at,
                },
                "attribute_not_exists(#pk) OR #state <> :deleting",
                deleting=DELETING,
            )
        except ConditionFailed:
            raise Conflict(
                f"{spec.name} is being deleted.", "Deploy again when it is gone, or use another name."
            ) from None
        version = Version(
            project,
            spec.name,
            model["last_version"],
            AWAITING_UPLOAD,
            json.dumps(spec_to_dict(spec), separators=(",", ":")),
            declared_sha256=sha256,
            declared_bytes=size,
            created_at=at,
            updated_at=at,
        )
        self.table.put(version.to_item(), "attribute_not_exists(#pk)")
        return version, self.upload_url(version)

    def upload_url(self, version: Version) -> str:
        """A presigned PUT for the version's bundle."""
        key = upload_key(version.project, version.name, version.version)
        return self.s3.generate_presigned_url(
            "put_object",
            Params={"Bucket": self.bucket, "Key": key, "ContentType": ZIP},
            ExpiresIn=UPLOAD_SECONDS,
        )

    def get_model(self, project: str, model: str) -> Model:
        """The model's row; raises `NotFound`."""
        item = self.table.get(project_pk(project), model_sk(model))
        if item is None:
            raise NotFound(f"there is no model {ascii(model)[:60]} in this project.", "List the models with `cote ls`.")
        return Model.from_item(item)

    def list_models(self, project: str) -> list[Model]:
        """The project's models by name."""
        return [Model.from_item(item) for item in self.table.query(project_pk(project), "MODEL#")]

    def set_webhook(self, project: str, model: str, url: str, auth_kind: str = "") -> None:
        """Where the webhooks of the model's runs go (empty: nowhere); `auth_kind` as `Model.webhook_auth` has it.

        Raises `NotFound`, and `Conflict` while the model is being deleted.
        """
        try:
            self.table.update(
                (project_pk(project), model_sk(model)),
                {"webhook_url": url, "webhook_auth": auth_kind, "updated_at": now()},
                "attribute_exists(#pk) AND #state <> :deleting",
                deleting=DELETING,
            )
        except ConditionFailed:
            self.get_model(project, model)
            raise Conflict(f"{model} is being deleted.", "Deploy it again when it is gone.") from None

    def get_version(self, project: str, model: str, version: int) -> Version:
        """One version; raises `NotFound`."""
        item = self.table.get(project_pk(project), version_sk(model, version)) if 0 < version < 10**8 else None
        if item is None:
            raise NotFound(f"{ascii(model)[:60]} has no version {version}.", "List the versions with `cote versions`.")
        return Version.from_item(item)

    def list_versions(self, project: str, model: str) -> list[Version]:
        """A model's versions, newest first; raises `NotFound` for an unknown model."""
        self.get_model(project, model)
        return [
            Version.from_item(item)
            for item in self.table.query(project_pk(project), version_sk(model), newest_first=True)
        ]

    def mark_uploaded(self, version: Version, sha256: str, size: int) -> Version:
        """Pins the inspected bundle's digest and size: AWAITING_UPLOAD becomes UPLOADED.

        Raises `Conflict` when another request did so first.
        """
        key = bundle_key(version.project, version.name, version.version)
        uploaded = replace(
            version, state=UPLOADED, bundle_key=key, bundle_sha256=sha256, bundle_bytes=size, updated_at=now()
        )
        try:
            self.table.put(uploaded.to_item(), "#state = :awaiting", awaiting=AWAITING_UPLOAD)
        except ConditionFailed:
            raise Conflict(
                f"version {version.version} of {version.name} has been taken in already.", "Ask for its state."
            ) from None
        return uploaded

    def refuse_upload(self, version: Version, message: str) -> None:
        """Ends a version whose upload was refused: AWAITING_UPLOAD becomes FAILED, with the reason."""
        try:
            self.table.update(
                version.key,
                {"state": FAILED, "message": message, "updated_at": now()},
                "#state = :awaiting",
                awaiting=AWAITING_UPLOAD,
            )
        except ConditionFailed:
            # Another request for the same upload ended it first; what it found stands.
            return
