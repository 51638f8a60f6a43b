"""A model's log, from CloudWatch Logs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from modelcote.backends import BACKENDS
from modelcote.control.auth import Deployer, ServicesDep
from modelcote.control.query import SINCE, read_time
from modelcote.control.views.models import LogEvent, LogLines
from modelcote.core.times import instant
from modelcote.registry import models

router = APIRouter(prefix="/v1/projects/{project}/models/{model}/logs", tags=["models"])


@router.get("")
def get_logs(
    project: Deployer,
    services: ServicesDep,
    model: str,
    since: Annotated[str, Query(description=SINCE)] = "1h",
    limit: Annotated[int, Query(ge=1, le=10_000, description="how many lines at most; the latest are returned")] = 200,
) -> LogLines:
    """Return the log of the model's function, oldest line first."""
    row = models.get(services.registry, project, model)
    if not row.address:
        return LogLines(lines=[])
    try:
        pages = services.logs.get_paginator("filter_log_events").paginate(
            logGroupName=BACKENDS[row.backend].log_group(row.address), startTime=round(read_time("since", since) * 1000)
        )
        events = [event for page in pages for event in page["events"]]
    except services.logs.exceptions.ResourceNotFoundException:
        return LogLines(lines=[])
    events.sort(key=lambda event: event["timestamp"])
    return LogLines(
        lines=[
            LogEvent(at=instant(event["timestamp"] / 1000), text=event["message"].rstrip("\n"))
            for event in events[-limit:]
        ]
    )
