"""The last state of the long lane: the answer of the model's function, or its failure, becomes the run's end."""

from __future__ import annotations

from typing import Any

from modelcote.runs.endings import settle_execution
from modelcote.runs.store import store_from_env

_store = store_from_env()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Settle an attempt by the state machine's whole state: `run_id, project, attempt` and `answer` or `failure`."""
    return {"run": settle_execution(_store, event)}
