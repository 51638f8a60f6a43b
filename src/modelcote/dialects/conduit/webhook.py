"""The webhook of a run that was submitted in the Conduit dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelcote.core.runs import CANCELED, EXPIRED, SUCCEEDED, TIMED_OUT

if TYPE_CHECKING:
    from modelcote.runs.records import Delivery, Run

_STATUS = {SUCCEEDED: 200, CANCELED: 409, EXPIRED: 503, TIMED_OUT: 504}


def webhook_body(_delivery: Delivery, run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that the Conduit interface documents; a run that succeeded has no others."""
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
