"""What the lists of runs and of deliveries are asked for: model, times, page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from modelcote.control.times import SINCE, read_time
from modelcote.core.errors import Invalid
from modelcote.core.runs import first_run_id, is_run_id
from modelcote.runs.listing import Wanted

Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]


def wanted(
    model: Annotated[str, Query(max_length=64)] = "",
    since: Annotated[str, Query(max_length=64, description=f"accepted from then on: {SINCE}")] = "",
    until: Annotated[str, Query(max_length=64, description="accepted before then, as `since`")] = "",
    cursor: Annotated[str, Query(max_length=64, description="of the page before")] = "",
) -> Wanted:
    """All but the state, which a route adds; raises `Invalid`."""
    return make_wanted(model, since, until, cursor)


def make_wanted(model: str = "", since: str = "", until: str = "", cursor: str = "", state: str = "") -> Wanted:
    """What is wanted, from its texts; raises `Invalid` for a time, an order of times or a cursor that cannot be."""
    since_s = read_time("since", since) if since else 0
    until_s = read_time("until", until) if until else 0
    if since_s and until_s and since_s > until_s:
        raise Invalid("until is before since.", "Exchange them.", field="until")
    if cursor and (not is_run_id(cursor) or (since_s and cursor < first_run_id(since_s))):
        raise Invalid("this is no cursor of this list.", "Give the one of the page before, as it came.", field="cursor")
    return Wanted(model, state, since_s, until_s, cursor)


Selection = Annotated[Wanted, Depends(wanted)]
