"""Tasks: runs of an endpoint's model. The task's id is the run's."""

from __future__ import annotations

import json
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Query, Response

from modelcote.control.auth import ServicesDep
from modelcote.control.body import Json
from modelcote.control.services import Services
from modelcote.core.errors import BadRequest, Conflict, Invalid, NotFound
from modelcote.core.event import event_json
from modelcote.core.runs import SUCCEEDED, new_run_id, run_limits
from modelcote.dialects.launch import NAME, store
from modelcote.dialects.launch.auth import Predictor
from modelcote.dialects.launch.bodies import ASYNC, CreateAsyncTask
from modelcote.dialects.launch.callbacks import callback_of
from modelcote.dialects.launch.endpoints import ERRORS
from modelcote.dialects.launch.store import LaunchEndpoint
from modelcote.dialects.launch.views import READY, CreatedTask, TaskView, endpoint_status, task_status
from modelcote.dialects.launch.webhook import task_result, traceback_of
from modelcote.registry.records import Model
from modelcote.runs.accept import Submission, accept
from modelcote.runs.records import Run
from modelcote.runs.results import result_members

router = APIRouter(prefix="/v1", tags=["launch"], responses=ERRORS)
SHOWN_BYTES = 256 * 1024  # The largest result that is in the answer itself.
EndpointId = Annotated[str, Query(max_length=64)]


@router.post("/async-tasks")
def create_async_task(
    project: Predictor, services: ServicesDep, model_endpoint_id: EndpointId, body: Json[CreateAsyncTask]
) -> CreatedTask:
    """Accept a task; its result can be polled, and is sent to the callback if the endpoint has the hook."""
    endpoint = store.get_endpoint(services.registry.table, project, model_endpoint_id)
    if endpoint.endpoint_type != ASYNC:
        raise BadRequest(f"the endpoint's type is {endpoint.endpoint_type}.", "Create one of type async.")
    data = _data(body)
    model = _serving(services, endpoint)
    run_id = new_run_id(services.runs.clock())
    webhook = callback_of(services, endpoint, body, run_id)
    submission = Submission(
        project=project,
        model=model.name,
        version=model.current_version,
        target=model.target,
        run_id=run_id,
        event=event_json(json.dumps(data).encode(), b"", run_id),
        limits=run_limits(services.runs.policy, model.timeout_s),
        dialect=NAME,
        webhook=webhook,
    )
    return CreatedTask(task_id=accept(services.runs, submission).run_id)


@router.get("/async-tasks/{task_id}", response_model=TaskView)
def get_async_task(project: Predictor, services: ServicesDep, task_id: str) -> Response:
    """Return a task's state, with its result or its error."""
    missing = NotFound("there is no such task in this project.", "Use the task_id that the task was answered with.")
    try:
        run = services.runs.get(project, task_id)
    except NotFound:
        raise missing from None
    if run.dialect != NAME:
        raise missing
    failed = not run.open and run.state != SUCCEEDED
    answer = {
        "task_id": run.run_id,
        "status": task_status(run),
        "result": _result(services, run),
        "traceback": traceback_of(run) if failed else None,
        "status_code": _status_code(run),
    }
    # Not orjson, which has no integers beyond 64 bits.
    return Response(json.dumps(answer, separators=(",", ":")), media_type="application/json")


@router.post("/sync-tasks", response_model=None, include_in_schema=False)
def create_sync_task(project: Predictor, services: ServicesDep, model_endpoint_id: EndpointId) -> NoReturn:
    """Refuse the task: an endpoint of type async has none of these, the others are not served yet."""
    if store.get_endpoint(services.registry.table, project, model_endpoint_id).endpoint_type == ASYNC:
        raise BadRequest("the endpoint's type is async.", "Use POST /v1/async-tasks.")
    raise NotFound("synchronous tasks are not served yet.", "Use POST /v1/{project}/{model}/predict.")


def _data(body: CreateAsyncTask) -> dict[str, Any]:
    """Return what the model is called with."""
    if body.return_pickled:
        raise Invalid("results cannot be pickled.", "Send return_pickled=false.", field="return_pickled")
    if body.args is None and body.url is None:
        raise Invalid("the task has neither args nor url.", "Send args, an object.", field="args")
    return {**(body.args or {}), **({} if body.url is None else {"url": body.url})}


def _serving(services: Services, endpoint: LaunchEndpoint) -> Model:
    model = store.models_of(services.registry.table, [endpoint]).get(endpoint.model)
    status = endpoint_status(model)
    if model is None or status != READY:
        raise Conflict(f"the endpoint is {status}: its model does not serve.", "Wait until it is READY.")
    return model


def _result(services: Services, run: Run) -> dict[str, Any] | None:
    """Return an object for a task that succeeded, since clients read it: empty once the result has expired."""
    if run.state != SUCCEEDED:
        return None
    members = task_result(result_members(services.runs, run, SHOWN_BYTES))
    names = [name for name in ("result", "result_url") if name in members]
    return {name: members[name] for name in names}


def _status_code(run: Run) -> int | None:
    if run.open:
        return None
    return 200 if run.state == SUCCEEDED else int((run.error or {}).get("status") or 500)
