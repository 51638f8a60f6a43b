"""Messages of runs that could not be processed five times: their runs FAILED, with the reason."""

from __future__ import annotations

from typing import Any

from modelcote.aws.sqs_batch import Record, each
from modelcote.core.errors import Invalid
from modelcote.core.log import log
from modelcote.runs.endings import fail_dead_letter
from modelcote.runs.messages import read_task
from modelcote.runs.store import store_from_env

_store = store_from_env()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Process a batch of the runs' dead-letter queue."""
    return each(event, _end)


def _end(record: Record) -> None:
    try:
        task = read_task(record)
    except Invalid as error:
        # It does not belong to a run.
        log("foreign message", message=record["messageId"], reason=str(error))
        return
    log("dead letter", run_id=task.run_id, run=fail_dead_letter(_store, task))
