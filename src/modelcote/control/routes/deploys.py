"""Deploys: their state and log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from modelcote.control.auth import Deployer, ServicesDep
from modelcote.control.views.models import DeployView, deploy_view
from modelcote.registry import deploys

router = APIRouter(prefix="/v1/projects/{project}/deploys", tags=["deploys"])


@router.get("/{deploy_id}")
def get_deploy(
    project: Deployer,
    services: ServicesDep,
    deploy_id: str,
    after: Annotated[int, Query(ge=0, le=999_999, description="the last line that the caller has already")] = 0,
) -> DeployView:
    """Return the deploy's state, and its log lines after number `after`."""
    return deploy_view(deploys.status(services.registry, project, deploy_id, after), services)
