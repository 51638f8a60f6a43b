"""The end of a long run: the state machine's state, settled as the fast lane settles its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelcote.backends.lambda_failures import failed_task
from modelcote.core.runs import RUNNING
from modelcote.runs.settle import settle_answer, settle_failure
from modelcote.runs.store import RunStore


def settle_execution(store: RunStore, state: Mapping[str, Any]) -> str:
    """Settles the attempt that an execution was for; the run's state then, `unknown` or `superseded`."""
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
