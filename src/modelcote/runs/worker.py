"""One message of the queue: start the attempt, call the model or start the long lane, settle."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

from modelcote.backends import Invoke
from modelcote.core.errors import BackendUnavailable, ModelcoteError
from modelcote.core.event import StoreRequest, long_event_json, with_store_request
from modelcote.core.log import log
from modelcote.core.runs import LONG
from modelcote.runs.attempts import release, start
from modelcote.runs.executions import Executions
from modelcote.runs.messages import Task
from modelcote.runs.records import Run
from modelcote.runs.settle import settle_answer, settle_failure
from modelcote.runs.store import RunStore

_ANSWER_S = 5.0  # The worker's patience beyond the run's limit: for a short wait or cold start, and storing the result.


def work(store: RunStore, task: Task, invoke: Invoke, executions: Executions) -> None:
    """Process one message; do nothing if another worker holds the run. Raise if the attempt cannot start."""
    run = start(store, task.project, task.run_id)
    if run is None:
        return
    if run.lane == LONG:
        _start_long(store, run, executions)
    else:
        _predict(store, run, invoke)


def _predict(store: RunStore, run: Run, invoke: Invoke) -> None:
    try:
        answer = invoke(run.target, event_of(run), run.run_limit_s + _ANSWER_S)
    except ModelcoteError as error:
        settle_failure(store, run, error)
    else:
        settle_answer(store, run, answer)


def _start_long(store: RunStore, run: Run, executions: Executions) -> None:
    parameters = {
        "run_id": run.run_id,
        "project": run.project,
        "model": run.model,
        "target": asdict(run.target),
        "attempt": run.attempt,
        "timeout_s": math.ceil(run.run_limit_s + _ANSWER_S),
        "event": json.loads(event_of(run)),
    }
    try:
        executions.start(execution_name(run), json.dumps(parameters))
    except Exception as error:
        log("no execution", run_id=run.run_id, reason=type(error).__name__)
        release(store, run, BackendUnavailable("the run's state machine could not be started.", "Submit it again."))


def execution_name(run: Run) -> str:
    """Return the name of an attempt's execution. A name is used once in ninety days: an attempt runs at most once."""
    return f"{run.run_id}-{run.attempt}"


def event_of(run: Run) -> bytes:
    """Return the model's event for this attempt, its input by reference where it is not short."""
    event = run.input.encode() if run.input else long_event_json(run.input_key, run.run_id)
    key, limit_s = run.result_object(run.attempt), run.run_limit_s
    return with_store_request(event, StoreRequest(key=key, keep_days=run.keep_days, limit_s=limit_s))
