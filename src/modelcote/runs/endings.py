"""The entrances by which a run ends elsewhere than in a worker: a stored result, an execution, a dead letter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from modelcote.backends.lambda_failures import failed_task
from modelcote.core.errors import RunNotProcessed, to_problem
from modelcote.core.objects import parse_result_key
from modelcote.core.runs import FAILED, RUNNING, is_run_id
from modelcote.runs.attempts import lease_end
from modelcote.runs.complete import Outcome, complete
from modelcote.runs.messages import Task
from modelcote.runs.settle import settle_answer, settle_failure, settle_stored
from modelcote.runs.store import RunStore


def settle_notice(store: RunStore, body: str) -> list[str]:
    """Complete the runs whose detached first attempt has stored a result, by S3's notice of it; return their ids.

    A result without a run was answered in time after all; or its run is being written, and the watchdog, to which it
    is due in a few seconds, finds the object.
    """
    settled = []
    for record in json.loads(body).get("Records", ()):  # S3's test event, sent once, has none.
        try:
            key = parse_result_key(unquote_plus(record["s3"]["object"]["key"]))
        except ValueError:
            continue  # A model's own code may have written it.
        run = store.find(key.project, key.run_id) if is_run_id(key.run_id) else None
        if run is not None and run.state == RUNNING and run.attempt == 1 and run.detached and settle_stored(store, run):
            settled.append(run.run_id)
    return settled


def settle_execution(store: RunStore, state: Mapping[str, Any]) -> str:
    """Settle the attempt that an execution was for; return the run's state then, `unknown` or `superseded`."""
    run = store.find(state["project"], state["run_id"])
    if run is None:
        return "unknown"
    if run.state != RUNNING or run.attempt != state["attempt"]:
        return "superseded"
    if "answer" in state:
        settle_answer(store, run, json.dumps(state["answer"]["payload"]).encode())
    else:
        failure = state["failure"]
        settle_failure(store, run, failed_task(str(failure.get("Error", "")), str(failure.get("Cause", ""))))
    return store.get(run.project, run.run_id).state


def fail_dead_letter(store: RunStore, task: Task) -> str:
    """End the run of a dead letter as FAILED, unless a worker holds it. Return `failed`, `left` or `unknown`."""
    run = store.find(task.project, task.run_id)
    if run is None:
        return "unknown"
    if not run.open or (run.state == RUNNING and store.clock() < lease_end(store, run)):
        return "left"
    error = RunNotProcessed(
        "the run's message was delivered five times, and no worker could process it.",
        "Look at the logs of run-worker, then submit it again.",
    )
    return "failed" if complete(store, run, Outcome(FAILED, to_problem(error))) else "left"
