"""Cancel, and the end of a message that nobody could work off."""

from __future__ import annotations

from modelcote.core.errors import Conflict
from modelcote.core.runs import CANCELED, FAILED, LONG, RUNNING
from modelcote.runs.complete import Outcome, complete
from modelcote.runs.messages import Task
from modelcote.runs.records import Run
from modelcote.runs.start import lease_end
from modelcote.runs.store import RunStore
from modelcote.runs.watch import Executions
from modelcote.runs.work import execution_name


def cancel(store: RunStore, executions: Executions, project: str, run_id: str) -> Run:
    """The canceled run. A race with its end is settled by the same conditional write: one of them holds.

    Raises `Conflict` for a run that has ended, and `NotFound`. A model's function that is computing goes on to its
    end; what it answers changes nothing.
    """
    run = store.get(project, run_id)
    error = {"code": "canceled", "detail": "the run was canceled.", "remedy": "Submit it again if it is wanted."}
    if not run.open or not complete(store, run, Outcome(CANCELED, error), any_attempt=True):
        raise Conflict(
            f"the run has ended: {store.get(project, run_id).state}.", "A run that has ended stays as it is."
        )
    now = store.get(project, run_id)
    if now.lane == LONG and now.attempt:
        executions.stop(execution_name(now))
    return now


def give_up(store: RunStore, task: Task) -> str:
    """Ends the run of a dead letter as FAILED; one that somebody is at is the watchdog's. What was done, in a word."""
    run = store.find(task.project, task.run_id)
    if run is None:
        return "unknown"
    if not run.open or (run.state == RUNNING and store.clock() < lease_end(store, run)):
        return "left"
    error = {
        "code": "not_worked_off",
        "detail": "the run's message was given out five times and never worked off.",
        "remedy": "Look at the logs of run-worker, then submit it again.",
    }
    return "failed" if complete(store, run, Outcome(FAILED, error)) else "left"
