"""Cancel: the end that a caller requests."""

from __future__ import annotations

from modelcote.core.errors import Conflict, RunCanceled, to_problem
from modelcote.core.runs import CANCELED, LONG
from modelcote.runs.complete import Outcome, complete
from modelcote.runs.executions import Executions
from modelcote.runs.records import Run
from modelcote.runs.store import RunStore
from modelcote.runs.worker import execution_name


def cancel(store: RunStore, executions: Executions, project: str, run_id: str) -> Run:
    """Cancel a run and return it. A race with its end is decided by the same conditional write: one of them wins.

    Raise `Conflict` for a run that has ended, and `NotFound`. A function that is computing goes on to its end; its
    answer changes nothing.
    """
    run = store.get(project, run_id)
    error = to_problem(RunCanceled("the run was canceled.", "Submit it again if you still need its result."))
    if not run.open or not complete(store, run, Outcome(CANCELED, error), any_attempt=True):
        raise Conflict(
            f"the run has ended: {store.get(project, run_id).state}.", "A run that has ended stays as it is."
        )
    now = store.get(project, run_id)
    if now.lane == LONG and now.attempt:
        executions.stop(execution_name(now))
    return now
