"""Runs: listed, followed to their results, canceled. They are made by predict, which the gateway answers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from modelcote.control.auth import Predictor, ServicesDep
from modelcote.control.query import Limit, Selection
from modelcote.control.views.runs import RunDetail, RunList, RunResult, RunView, run_view
from modelcote.core.runs import STATES
from modelcote.runs.cancel import cancel
from modelcote.runs.listing import list_runs
from modelcote.runs.records import Run
from modelcote.runs.results import reference, require_result, result_members
from modelcote.runs.store import RunStore

router = APIRouter(prefix="/v1/projects/{project}/runs", tags=["runs"])
# Bytes of the largest result that is in the answer itself.
SHOWN_BYTES = 256 * 1024
RESULT_BYTES = 4 * 1024 * 1024
# Lambda's limit for the answer as a JSON string, in which quotes and other letters than ASCII take more; less some.
_ANSWER_CHARS = 6 * 1024 * 1024 - 64 * 1024
_PAUSE_S = (0.05, 0.5)


@router.get("")
def get_runs(
    project: Predictor,
    services: ServicesDep,
    selection: Selection,
    state: Annotated[str, Query(pattern=f"^({'|'.join(STATES)})$")] | None = None,
    limit: Limit = 50,
) -> RunList:
    """List the project's runs without their results, newest first."""
    runs, cursor = list_runs(services.runs, project, replace(selection, state=state or ""), limit)
    return RunList(runs=[run_view(run) for run in runs], cursor=cursor or None)


@router.get("/{run_id}", response_model=RunDetail)
def get_run(
    project: Predictor,
    services: ServicesDep,
    run_id: str,
    wait: Annotated[float, Query(ge=0, le=20, allow_inf_nan=False, description="seconds to wait for its end")] = 0,
) -> Response:
    """Return a run with its result, or the reference to it above 256 KB; with `wait` as soon as it has ended."""
    run = _ended(services.runs, project, run_id, wait)
    return _json({**run_view(run).model_dump(), **result_members(services.runs, run, SHOWN_BYTES)})


@router.get("/{run_id}/result", response_model=RunResult)
def get_result(project: Predictor, services: ServicesDep, run_id: str) -> Response:
    """Return a succeeded run's result, or the reference to it above 4 MB; 409 for a run without one."""
    run = services.runs.get(project, run_id)
    require_result(services.runs, run)
    members = {"run_id": run.run_id, "run_time_ms": run.run_time_ms, "points": run.points}
    answer = _json({**members, **result_members(services.runs, run, RESULT_BYTES)})
    # A character takes at most six as an escape.
    if len(answer.body) > _ANSWER_CHARS // 6 and len(json.dumps(bytes(answer.body).decode())) > _ANSWER_CHARS:
        return _json({**members, **reference(services.runs, run)})
    return answer


@router.post("/{run_id}/cancel")
def cancel_run(project: Predictor, services: ServicesDep, run_id: str) -> RunView:
    """Cancel a run that has not ended. A model that is computing goes on, and its answer changes nothing."""
    return run_view(cancel(services.runs, services.executions, project, run_id))


def _ended(store: RunStore, project: str, run_id: str, wait_s: float) -> Run:
    """Return the run as soon as it has ended, or as it is when the seconds are over."""
    run, pause = store.get(project, run_id), _PAUSE_S[0]
    until = time.monotonic() + wait_s
    while run.open and (left := until - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _PAUSE_S[1])
        run = store.get(project, run_id)
    return run


def _json(members: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(members), media_type="application/json")
