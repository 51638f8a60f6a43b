"""Views of models, versions, deploys and logs."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import Field

from modelcote.control.services import Services
from modelcote.control.views.view import View
from modelcote.core.inputs import Inputs, json_schema
from modelcote.registry.deploys import DeployStatus
from modelcote.registry.records import Deploy, Model, Version


class ModelView(View):
    """A model. `current_version` serves (0: none yet), `wanted_version` was requested last."""

    name: str
    state: str = Field(description="NEW, DEPLOYING, READY, FAILED or DELETING")
    current_version: int
    wanted_version: int
    runtime: str
    compiled: bool
    predict_url: str
    updated_at: str


class ModelList(View):
    models: list[ModelView]


class VersionView(View):
    """A version. `sha256` and `bytes` are its inspected bundle's; `compile_report` is null if nothing was compiled."""

    version: int
    state: str = Field(description="AWAITING_UPLOAD, UPLOADED, BUILDING, READY, ARCHIVED or FAILED")
    sha256: str
    bytes: int
    runtime: str
    compiled: bool
    compile_report: dict[str, Any] | None
    message: str
    spec: dict[str, Any]
    created_at: str
    updated_at: str


class VersionList(View):
    versions: list[VersionView]


class VersionDetail(VersionView):
    input_schema: dict[str, Any] | None = Field(
        description="the JSON Schema (2020-12) of the data that predict accepts; null before the build, for versions "
        "that were built before there was one, and where the model's inputs take more than 32 KB to describe"
    )


class Upload(View):
    """Where and how to send the bundle, within 15 minutes."""

    url: str
    method: str
    headers: dict[str, str]


class CreatedVersion(View):
    version: int
    upload: Upload


class Accepted(View):
    """An accepted deploy request."""

    deploy_id: str
    status_url: str

    @classmethod
    def of(cls, deploy: Deploy, services: Services) -> Self:
        url = f"{services.public_url}/v1/projects/{deploy.project}/deploys/{deploy.deploy_id}"
        return cls(deploy_id=deploy.deploy_id, status_url=url)


class Line(View):
    n: int
    at: str
    text: str


class DeployView(View):
    """A deploy's progress. For the lines that follow, send `next` as `after`."""

    deploy_id: str
    model: str
    version: int
    kind: str = Field(description="deploy, rollback or delete")
    state: str = Field(description="QUEUED, RUNNING, SUCCEEDED or FAILED")
    lines: list[Line]
    next: int
    predict_url: str
    error: dict[str, Any] | None


class LogEvent(View):
    at: str
    text: str


class LogLines(View):
    """A model's log, oldest line first."""

    lines: list[LogEvent]


class Health(View):
    status: str


def model_view(row: Model, services: Services) -> ModelView:
    return ModelView.from_row(row, predict_url=services.predict_url(row.project, row.name))


def version_view(row: Version) -> VersionView:
    return VersionView.from_row(row, **_version_members(row))


def version_detail(row: Version) -> VersionDetail:
    return VersionDetail.from_row(row, **_version_members(row), input_schema=_input_schema(row))


def _version_members(row: Version) -> dict[str, Any]:
    return {
        "sha256": row.bundle_sha256,
        "bytes": row.bundle_bytes,
        "compile_report": row.compiled_report,
        "spec": json.loads(row.spec_json),
    }


def _input_schema(row: Version) -> dict[str, Any] | None:
    inputs = row.inputs
    if inputs is None:
        return None
    # A first `pre` reads the data: the model's own description says nothing of it.
    accepted = Inputs() if row.spec.flow.stages[0].pre else inputs
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **json_schema(accepted)}


def deploy_view(status: DeployStatus, services: Services) -> DeployView:
    row = status.deploy
    return DeployView.from_row(
        row,
        lines=[Line.from_row(line) for line in status.lines],
        next=status.next,
        predict_url=services.predict_url(row.project, row.model),
    )
