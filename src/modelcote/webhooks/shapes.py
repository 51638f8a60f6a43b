"""The body of a delivery: Standard Webhooks, or the shape of the dialect that the run was submitted in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from modelcote.core.times import instant
from modelcote.runs.records import Delivery, Run

# Of a delivery, its run and the result's members: `result`, or the reference to a large one (`result_url`, `sha256`,
# `bytes`, `content_type`); empty for a run without a result.
Shape = Callable[[Delivery, Run, Mapping[str, Any]], dict[str, Any]]


def body_of(shapes: Mapping[str, Shape], delivery: Delivery, run: Run, result: Mapping[str, Any]) -> bytes:
    """Return the JSON to send, in the shape of the delivery's dialect."""
    shape = shapes.get(delivery.dialect, native_body)
    return json.dumps(shape(delivery, run, result), separators=(",", ":")).encode()


def native_body(delivery: Delivery, run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of Standard Webhooks: `type`, `timestamp`, `data`."""
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
    return {"type": delivery.event, "timestamp": instant(delivery.created_at_s), "data": data}
