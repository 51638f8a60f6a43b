"""The end of a message that nobody could work off."""

from __future__ import annotations

from modelcote.core.errors import RunNotProcessed, to_problem
from modelcote.core.runs import FAILED, RUNNING
from modelcote.runs.complete import Outcome, complete
from modelcote.runs.messages import Task
from modelcote.runs.start import lease_end
from modelcote.runs.store import RunStore


def give_up(store: RunStore, task: Task) -> str:
    """Ends the run of a dead letter as FAILED; one that somebody is at is the watchdog's. What was done, in a word."""
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
