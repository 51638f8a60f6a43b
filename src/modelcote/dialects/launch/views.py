"""The bodies of the answers to launch clients; a callback's credentials are never in one."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from modelcote.control.services import Services
from modelcote.control.views.view import View
from modelcote.core.runs import QUEUED, RUNNING, SUCCEEDED
from modelcote.dialects.launch.store import LaunchEndpoint
from modelcote.registry.records import Model, ModelState
from modelcote.runs.records import Run

READY, FAILED = "READY", "UPDATE_FAILED"
_NOT_YET: dict[str, str] = {ModelState.NEW: "UPDATE_PENDING", ModelState.DEPLOYING: "UPDATE_IN_PROGRESS"}
_TASK_STATUS = {QUEUED: "PENDING", RUNNING: "STARTED", SUCCEEDED: "SUCCESS"}


class Detail(BaseModel):
    """Every error of this dialect."""

    detail: str


class CreatedEndpoint(BaseModel):
    endpoint_creation_task_id: str


class DeletedEndpoint(BaseModel):
    deleted: bool


class DeploymentState(BaseModel):
    min_workers: int
    max_workers: int
    per_worker: int
    concurrent_requests_per_worker: int
    available_workers: int
    unavailable_workers: int


class ResourceState(BaseModel):
    """As the client sent them; a model's resources are set when it is deployed."""

    cpus: str | None
    gpus: int
    memory: str | None
    gpu_type: str | None
    storage: str | None
    nodes_per_worker: int


class EndpointView(View):
    """An endpoint. `bundle_name` is its model, `destination` the model's URL."""

    id: str
    name: str
    endpoint_type: str
    destination: str
    bundle_name: str
    status: str = Field(description="READY, UPDATE_PENDING, UPDATE_IN_PROGRESS or UPDATE_FAILED: the model's")
    created_by: str
    created_at: str
    last_updated_at: str
    post_inference_hooks: list[str]
    default_callback_url: str | None
    labels: dict[str, str]
    metadata: dict[str, Any]
    deployment_state: DeploymentState
    resource_state: ResourceState


class EndpointList(BaseModel):
    model_endpoints: list[EndpointView]


class CreatedTask(BaseModel):
    task_id: str


class TaskView(BaseModel):
    """A task. `result` is `{"result": value}`, or `{"result_url": ...}` for a large one, `{}` once that has expired."""

    task_id: str
    status: str = Field(description="PENDING, STARTED, SUCCESS or FAILURE")
    result: dict[str, Any] | None
    traceback: str | None
    status_code: int | None


def endpoint_status(model: Model | None) -> str:
    """Return an endpoint's status: READY when its model serves."""
    if model is None or model.state == ModelState.DELETING:
        return FAILED
    return READY if model.current_version else _NOT_YET.get(model.state, FAILED)


def endpoint_view(row: LaunchEndpoint, model: Model | None, services: Services) -> EndpointView:
    settings, status = row.settings, endpoint_status(model)
    workers = settings["min_workers"]
    return EndpointView.from_row(
        row,
        id=row.endpoint_id,
        destination=services.predict_url(row.project, row.model),
        bundle_name=row.model,
        status=status,
        created_by=row.project,
        last_updated_at=row.updated_at,
        post_inference_hooks=list(row.hooks),
        default_callback_url=row.callback_url or None,
        labels=settings["labels"],
        metadata=settings["metadata"],
        deployment_state=DeploymentState(
            **{name: settings[name] for name in DeploymentState.model_fields if name in settings},
            available_workers=workers if status == READY else 0,
            unavailable_workers=0 if status == READY else workers,
        ),
        resource_state=ResourceState(
            **{name: _text(settings.get(name)) for name in ("cpus", "memory", "storage")},
            gpu_type=settings.get("gpu_type"),
            gpus=settings["gpus"],
            nodes_per_worker=settings["nodes_per_worker"],
        ),
    )


def task_status(run: Run) -> str:
    return _TASK_STATUS.get(run.state, "FAILURE")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
