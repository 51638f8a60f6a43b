"""A model's log, from CloudWatch Logs."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from modelcote.control.auth import Deployer, Parts
from modelcote.control.views import LogEvent, LogLines, instant
from modelcote.core.errors import Invalid

router = APIRouter(prefix="/v1/projects/{project}/models/{model}/logs", tags=["models"])
_SPAN = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@router.get("")
def get_logs(
    project: Deployer,
    parts: Parts,
    model: str,
    since: Annotated[str, Query(description="a span such as 30m, 2h or 1d, or a time in ISO 8601")] = "1h",
    limit: Annotated[int, Query(ge=1, le=10_000, description="how many lines at most; the latest are given")] = 200,
) -> LogLines:
    """What the model's function has logged, oldest line first."""
    row = parts.registry.get_model(project, model)
    if not row.function_name:
        return LogLines(lines=[])
    try:
        pages = parts.logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{row.function_name}", startTime=round(_start(since) * 1000)
        )
        events = [event for page in pages for event in page["events"]]
    except parts.logs.exceptions.ResourceNotFoundException:
        return LogLines(lines=[])
    events.sort(key=lambda event: event["timestamp"])
    return LogLines(
        lines=[
            LogEvent(at=instant(event["timestamp"] / 1000), text=event["message"].rstrip("\n"))
            for event in events[-limit:]
        ]
    )


def _start(since: str) -> float:
    """Seconds since the epoch; raises `Invalid`."""
    span = _SPAN.fullmatch(since)
    if span:
        return max(0.0, time.time() - int(span[1]) * _SECONDS[span[2]])
    try:
        at = datetime.fromisoformat(since)
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise Invalid(
            f"since={ascii(since)[:40]} is neither a span nor a time.", "Use 30m, 2h, 1d or ISO 8601.", field="since"
        ) from error
