"""The body of a delivery, in the shape of the interface that the run was submitted through."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from modelcote.core.runs import CANCELED, EXPIRED, SUCCEEDED, TIMED_OUT
from modelcote.runs.records import Delivery, Run

_STATUS = {SUCCEEDED: 200, CANCELED: 409, EXPIRED: 503, TIMED_OUT: 504}
# A result, or what stands for a large one: `result_url`, `sha256`, `bytes`, `content_type`.
Members = Mapping[str, Any]


def body_of(delivery: Delivery, run: Run, result: Members) -> bytes:
    """The JSON that is sent; `result` is `{"result": value}`, a reference, or empty for a run without one."""
    return json.dumps(_SHAPES[delivery.dialect](delivery, run, result), separators=(",", ":")).encode()


def _native(delivery: Delivery, run: Run, result: Members) -> dict[str, Any]:
    """Standard Webhooks: `type`, `timestamp`, `data`."""
    data = {
        "run_id": run.run_id,
        "model": run.model,
        "version": run.version,
        "state": run.state,
        "run_time_ms": run.run_time_ms,
        **result,
    }
    if run.error:
        data["error"] = run.error
    return {"type": delivery.event, "timestamp": _instant(delivery.created_at_s), "data": data}


def _conduit(_delivery: Delivery, run: Run, result: Members) -> dict[str, Any]:
    """The members that the Conduit interface documents, and no others where the run succeeded."""
    word = "Finished" if run.state == SUCCEEDED else "Failed"
    status = _STATUS.get(run.state) or (run.error or {}).get("status") or 500
    failed = {"result": {"error": run.error}} if run.error else {}
    return {
        "run_id": run.run_id,
        "message": f"{word} inference request with run_id: `{run.run_id}`",
        **(failed or result),
        "status_code": status,
        "run_time_ms": run.run_time_ms,
    }


def _launch(_delivery: Delivery, run: Run, result: Members) -> dict[str, Any]:
    """`{"task_id", "result"}`; of a failed task the status and its traceback, which the published server drops."""
    if run.state == SUCCEEDED:
        return {"task_id": run.run_id, **launch_result(result)}
    return {"task_id": run.run_id, "status": "FAILURE", "traceback": launch_traceback(run)}


def launch_result(result: Members) -> dict[str, Any]:
    """The value itself: a model's flow wraps a single value in a list, which launch's does not."""
    value = result.get("result")
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
        return {**result, "result": value[0]}
    return dict(result)


def launch_traceback(run: Run) -> str:
    """What went wrong, as text."""
    error = run.error or {}
    return f"{error.get('detail', run.state)} {error.get('remedy', '')}".strip()


def _instant(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_SHAPES: Mapping[str, Callable[[Delivery, Run, Members], dict[str, Any]]] = {
    "native": _native,
    "conduit": _conduit,
    "launch": _launch,
}
