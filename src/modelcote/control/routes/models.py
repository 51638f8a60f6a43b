"""Models, their logs from CloudWatch Logs, and requests about a whole model: rollback and deletion."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from modelcote.backends import spec_of
from modelcote.control.auth import Deployer, ServicesDep
from modelcote.control.body import JsonBody, Strict
from modelcote.control.query import SINCE, read_time
from modelcote.control.views.models import Accepted, LogEvent, LogLines, ModelList, ModelView, model_view
from modelcote.core.errors import Conflict
from modelcote.core.times import instant
from modelcote.registry import deploys, models
from modelcote.registry.records import DeployKind

router = APIRouter(prefix="/v1/projects/{project}/models", tags=["models"])


class RollbackRequest(Strict):
    """The version to serve again; null for the one that served before the current one."""

    version: int | None = None


@router.get("")
def list_models(project: Deployer, services: ServicesDep) -> ModelList:
    """List the project's models by name."""
    return ModelList(models=[model_view(row, services) for row in models.all_of(services.registry, project)])


@router.get("/{model}")
def get_model(project: Deployer, services: ServicesDep, model: str) -> ModelView:
    """Return one model."""
    return model_view(models.get(services.registry, project, model), services)


@router.post("/{model}/rollback", status_code=202)
def roll_back(
    project: Deployer,
    services: ServicesDep,
    model: str,
    body: Annotated[RollbackRequest, Depends(JsonBody(RollbackRequest, optional=True))],
) -> Accepted:
    """Serve an earlier version again."""
    version = body.version
    if version is None:
        version = models.get(services.registry, project, model).previous_version
        if not version:
            raise Conflict(f"{model} has served no earlier version.", "Name the version to serve.")
    return Accepted.of(deploys.request(services.registry, project, model, version, DeployKind.ROLLBACK), services)


@router.delete("/{model}", status_code=202)
def delete_model(project: Deployer, services: ServicesDep, model: str) -> Accepted:
    """Delete the model with all its versions; a repeated request returns the same deletion."""
    return Accepted.of(deploys.request(services.registry, project, model, 0, DeployKind.DELETE), services)


@router.get("/{model}/logs")
def get_logs(
    project: Deployer,
    services: ServicesDep,
    model: str,
    since: Annotated[str, Query(description=SINCE)] = "1h",
    limit: Annotated[int, Query(ge=1, le=10_000, description="how many lines at most; the latest are returned")] = 200,
) -> LogLines:
    """Return the log of the model's function, oldest line first."""
    row = models.get(services.registry, project, model)
    if not row.address:
        return LogLines(lines=[])
    try:
        pages = services.logs.get_paginator("filter_log_events").paginate(
            logGroupName=spec_of(row.backend).log_group(row.address), startTime=round(read_time("since", since) * 1000)
        )
        events = [event for page in pages for event in page["events"]]
    except services.logs.exceptions.ResourceNotFoundException:
        return LogLines(lines=[])
    events.sort(key=lambda event: event["timestamp"])
    return LogLines(
        lines=[
            LogEvent(at=instant(event["timestamp"] / 1000), text=event["message"].rstrip("\n"))
            for event in events[-limit:]
        ]
    )
