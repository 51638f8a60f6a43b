"""Recover runs and deliveries that are overdue; runs once a minute."""

from __future__ import annotations

from typing import Any

from modelcote.core.log import log
from modelcote.runs.executions import state_machine_from_env
from modelcote.runs.store import store_from_env
from modelcote.runs.watchdog import watch

_store = store_from_env()
_long = state_machine_from_env()
_RESERVE_S = 10


def handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    """Return what was done, in numbers."""
    until = _store.clock() + context.get_remaining_time_in_millis() / 1000 - _RESERVE_S
    counts = watch(_store, _long, until)
    if counts:
        log("watched", **counts)
    return counts
