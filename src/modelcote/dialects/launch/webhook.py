"""The callback of a launch task, and how a task's result and failure are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelcote.core.runs import SUCCEEDED

if TYPE_CHECKING:
    from modelcote.runs.records import Delivery, Run


def webhook_body(_delivery: Delivery, run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"task_id", "result"}`; of a failed task its status and traceback, which the published server drops."""
    if run.state == SUCCEEDED:
        return {"task_id": run.run_id, **task_result(result)}
    return {"task_id": run.run_id, "status": "FAILURE", "traceback": traceback_of(run)}


def task_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result with a single value unwrapped: a model's flow puts it in a list, launch does not."""
    value = result.get("result")
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
        return {**result, "result": value[0]}
    return dict(result)


def traceback_of(run: Run) -> str:
    """Return what went wrong, as text."""
    error = run.error or {}
    return f"{error.get('detail', run.state)} {error.get('remedy', '')}".strip()
