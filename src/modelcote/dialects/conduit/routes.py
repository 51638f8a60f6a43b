"""The routes of a deploy: `POST /deploy`, a PUT of the bundle, `GET /streamBuildLogs` until it has ended.

Nothing notifies us of the upload, so the poll that finds it accepts it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from modelcote.control.auth import CallerDep, ServicesDep
from modelcote.control.body import Json
from modelcote.control.services import Services
from modelcote.control.uploads import accept_upload, is_uploaded
from modelcote.core.errors import Invalid, NotFound, PayloadTooLarge
from modelcote.core.flow import Flow
from modelcote.core.spec import spec_from_dict
from modelcote.identity import scopes
from modelcote.registry import deploys, versions
from modelcote.registry.records import DeployKind, DeployState, Version, VersionState

router = APIRouter(tags=["conduit"])
_BUILD_ID = re.compile(r"([a-z0-9-]{1,20})\.([0-9]{1,8})", re.ASCII)
_STATUS: dict[str, str] = {DeployState.SUCCEEDED: "success", DeployState.FAILED: "failed"}
# The flow is in the bundle; until the upload this one replaces it, so that all other fields are checked at once.
_PLACEHOLDER = [["sklearn", "model.pkl"]]


class DeployRequest(BaseModel):
    """The fields that have a meaning here; others that Conduit clients send are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str
    hardware: str | None = None
    cpu: int | None = None
    memory: float | None = None
    python_version: str | None = None
    cooldown: int | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None


class DeployAnswer(BaseModel):
    """The created version, in camel case as these clients read it."""

    uploadUrl: str  # noqa: N815
    projectId: str  # noqa: N815
    buildId: str  # noqa: N815
    internalEndpoint: str  # noqa: N815


class BuildLogs(BaseModel):
    """All lines so far, at least one. `status` is pending, building, success or failed."""

    status: str
    logs: list[str]


@router.post("/deploy")
def deploy(caller: CallerDep, services: ServicesDep, body: Json[DeployRequest]) -> DeployAnswer:
    """Create a version in the key's project; PUT its bundle to `uploadUrl`."""
    caller.require(scopes.DEPLOY)
    spec = spec_from_dict({**body.model_dump(exclude_none=True), "flow": _PLACEHOLDER})
    version, url = versions.create(services.registry, caller.project, replace(spec, flow=Flow(())))
    return DeployAnswer(
        uploadUrl=url,
        projectId=caller.project,
        buildId=f"{version.name}.{version.version}",
        internalEndpoint=services.predict_url(caller.project, version.name),
    )


@router.get("/streamBuildLogs")
def stream_build_logs(
    caller: CallerDep, services: ServicesDep, build_id: Annotated[str, Query(alias="buildId", max_length=40)]
) -> BuildLogs:
    """Return the build's progress; the first call after the upload accepts the bundle and starts the build."""
    caller.require(scopes.DEPLOY)
    version = _version(services, caller.project, build_id)
    if version.state == VersionState.AWAITING_UPLOAD:
        if not is_uploaded(services.registry, version):
            return BuildLogs(status="pending", logs=["Waiting for the upload of the bundle.\n"])
        try:
            version = accept_upload(services.registry, version)
        except (Invalid, PayloadTooLarge) as error:
            return BuildLogs(status="failed", logs=[f"{error.text}\n"])
    deploy_id = version.deploy_id
    if not deploy_id:
        if version.state == VersionState.FAILED:
            return BuildLogs(status="failed", logs=[f"{version.message}\n"])
        key = (caller.project, version.name, version.version)
        deploy_id = deploys.request(services.registry, *key, DeployKind.DEPLOY).deploy_id
    return _logs(services, caller.project, deploy_id)


def _version(services: Services, project: str, build_id: str) -> Version:
    match = _BUILD_ID.fullmatch(build_id)
    if not match:
        raise NotFound("there is no such build in this project.", "Use the buildId of the answer to the deploy.")
    return versions.get(services.registry, project, match[1], int(match[2]))


def _logs(services: Services, project: str, deploy_id: str) -> BuildLogs:
    status = deploys.status(services.registry, project, deploy_id)
    logs = ["Queued.\n", *(f"{line.text}\n" for line in status.lines)]
    if problem := status.deploy.error:
        logs.append(f"{problem['detail']} {problem['remedy']}\n")
    return BuildLogs(status=_STATUS.get(status.deploy.state, "building"), logs=logs)
