"""Model endpoints: creation, list, edit, deletion."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query

from modelcote.control.auth import ServicesDep
from modelcote.control.body import Json
from modelcote.control.services import Services
from modelcote.core.errors import BadRequest, Conflict, NotFound
from modelcote.core.names import MODEL_NAME
from modelcote.dialects.launch import store
from modelcote.dialects.launch.auth import Deployer, Reader
from modelcote.dialects.launch.bodies import CreateModelEndpoint, EditModelEndpoint
from modelcote.dialects.launch.callbacks import drop_auth, read_auth, read_url, stored_auth
from modelcote.dialects.launch.rules import check_name, check_settings
from modelcote.dialects.launch.store import LaunchEndpoint, new_endpoint_id
from modelcote.dialects.launch.views import CreatedEndpoint, DeletedEndpoint, Detail, EndpointList, endpoint_view
from modelcote.registry import models
from modelcote.registry.records import ModelState

ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": Detail} for status in ("4XX", "5XX")}
router = APIRouter(prefix="/v1/model-endpoints", tags=["launch"], responses=ERRORS)
_SETTINGS = {
    *("metadata", "labels", "cpus", "memory", "storage", "gpus", "gpu_type", "nodes_per_worker"),
    *("min_workers", "max_workers", "per_worker", "concurrent_requests_per_worker"),
}


@router.get("")
def list_model_endpoints(
    project: Reader, services: ServicesDep, name: Annotated[str | None, Query(description="exactly this name")] = None
) -> EndpointList:
    """List the project's endpoints, or those of this name: one or none."""
    if name is None:
        rows = store.list_endpoints(services.registry.table, project)
    else:
        row = store.find_endpoint(services.registry.table, project, name) if len(name) <= 63 else None
        rows = [row] if row else []
    served = store.models_of(services.registry.table, rows)
    return EndpointList(model_endpoints=[endpoint_view(row, served.get(row.model), services) for row in rows])


@router.post("")
def create_model_endpoint(project: Deployer, services: ServicesDep, body: Json[CreateModelEndpoint]) -> CreatedEndpoint:
    """Create an endpoint for a model of the project; it is ready when the model serves."""
    row = LaunchEndpoint(
        project,
        new_endpoint_id(),
        check_name(body.name),
        _model(services, project, body.model_bundle_id),
        body.endpoint_type,
        hooks=_hooks(body),
        callback_url=read_url(services, body.default_callback_url, "default_callback_url"),
        settings_json=check_settings(body.endpoint_type, _settings(body)),
    )
    auth = read_auth(body.default_callback_auth, "default_callback_auth")
    with stored_auth(services, project, row.endpoint_id, auth) as auth_name:
        try:
            store.create_endpoint(services.registry.table, replace(row, callback_auth=auth_name))
        except Conflict as error:
            raise BadRequest(error.detail, error.remedy) from error  # The status that these clients expect.
    return _finished()


@router.put("/{model_endpoint_id}")
def edit_model_endpoint(
    project: Deployer, services: ServicesDep, model_endpoint_id: str, body: Json[EditModelEndpoint]
) -> CreatedEndpoint:
    """Change the fields that are sent, for the tasks that are accepted from now on."""
    before = store.get_endpoint(services.registry.table, project, model_endpoint_id)
    bundle = body.model_bundle_id
    url = read_url(services, body.default_callback_url, "default_callback_url")
    row = replace(
        before,
        model=before.model if bundle is None else _model(services, project, bundle),
        hooks=before.hooks if body.post_inference_hooks is None else _hooks(body),
        callback_url=url or before.callback_url,
        settings_json=check_settings(before.endpoint_type, before.settings | _settings(body)),
    )
    auth = read_auth(body.default_callback_auth, "default_callback_auth")
    with stored_auth(services, project, row.endpoint_id, auth) as auth_name:
        store.change_endpoint(services.registry.table, replace(row, callback_auth=auth_name or before.callback_auth))
    if auth_name:
        drop_auth(services, project, before.callback_auth)
    return _finished()


@router.delete("/{model_endpoint_id}")
def delete_model_endpoint(project: Deployer, services: ServicesDep, model_endpoint_id: str) -> DeletedEndpoint:
    """Delete the endpoint, not its model. Accepted tasks are finished, and their callbacks called."""
    row = store.get_endpoint(services.registry.table, project, model_endpoint_id)
    store.delete_endpoint(services.registry.table, row)
    drop_auth(services, project, row.callback_auth)
    return DeletedEndpoint(deleted=True)


def _settings(body: EditModelEndpoint) -> dict[str, Any]:
    return body.model_dump(include=_SETTINGS, exclude_none=True)


def _hooks(body: EditModelEndpoint) -> tuple[str, ...]:
    return tuple(dict.fromkeys(body.post_inference_hooks or ()))


def _model(services: Services, project: str, name: str) -> str:
    missing = NotFound(
        "the model bundle could not be found.", "model_bundle_id is the name of a model that this project has deployed."
    )
    if not MODEL_NAME.fullmatch(name):
        raise missing
    try:
        model = models.get(services.registry, project, name)
    except NotFound:
        raise missing from None
    if model.state == ModelState.DELETING:
        raise missing
    return name


def _finished() -> CreatedEndpoint:
    """Return the answer of a finished change; the published server answers with the id of a task that makes it."""
    return CreatedEndpoint(endpoint_creation_task_id=uuid.uuid4().hex)
