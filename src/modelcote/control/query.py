"""Query parameters: times as callers write them, and the selection and page of a list."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query

from modelcote.core.errors import Invalid
from modelcote.core.runs import first_run_id, is_run_id
from modelcote.core.texts import quoted
from modelcote.runs.listing import RunFilter

SINCE = "a span such as 30m, 2h or 1d (so long ago), a time in ISO 8601, or seconds since the epoch"
_SPAN = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_EPOCH = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]


def read_selection(
    model: Annotated[str, Query(max_length=64)] = "",
    since: Annotated[str, Query(max_length=64, description=f"accepted from then on: {SINCE}")] = "",
    until: Annotated[str, Query(max_length=64, description="accepted before then, as `since`")] = "",
    cursor: Annotated[str, Query(max_length=64, description="of the page before")] = "",
) -> RunFilter:
    """Return the selection that these texts describe; raise `Invalid` for a bad time, order of times or cursor."""
    since_s = read_time("since", since) if since else 0
    until_s = read_time("until", until) if until else 0
    if since_s and until_s and since_s > until_s:
        raise Invalid("until is before since.", "Swap since and until.", field="until")
    if cursor and (not is_run_id(cursor) or (since_s and cursor < first_run_id(since_s))):
        raise Invalid(
            "cursor is not valid for this list.", "Send the cursor of the previous page, unchanged.", field="cursor"
        )
    return RunFilter(model, since_s=since_s, until_s=until_s, cursor=cursor)


# All but the state, which a route adds.
Selection = Annotated[RunFilter, Depends(read_selection)]


def read_time(field: str, text: str) -> float:
    """Return seconds since the epoch, above 0 and at most the year 9999; raise `Invalid` with `field`."""
    at = _read(text)
    if at is None or at > _LAST:
        raise Invalid(
            f"{field} must be a time span or a time, got {quoted(text, 40)}.",
            "Use 30m, 2h, 1d, ISO 8601 or seconds since the epoch.",
            field=field,
        )
    # Zero means no limit in a selection.
    return max(0.001, at)


def _read(text: str) -> float | None:
    span = _SPAN.fullmatch(text)
    if span:
        return time.time() - int(span[1]) * _SECONDS[span[2]]
    if _EPOCH.fullmatch(text):
        return float(text)
    if text.isdigit():
        return None  # Milliseconds, perhaps; read as ISO 8601's short form it would be a day in the 18th century.
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
