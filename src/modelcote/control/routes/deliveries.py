"""Deliveries of webhooks: their state, their attempts, and replays."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from modelcote.aws.table import ConditionFailed
from modelcote.control.auth import Predictor, ServicesDep
from modelcote.control.body import Json, Strict
from modelcote.control.query import SINCE, Limit, Selection, read_selection
from modelcote.control.services import Services
from modelcote.control.views.runs import DeliveryDetail, DeliveryList, DeliveryView, Replayed, delivery_detail
from modelcote.core.errors import NotFound
from modelcote.runs.listing import all_deliveries, attempts, find_delivery, list_deliveries
from modelcote.runs.records import DELIVERY_STATES, PENDING, Delivery
from modelcote.webhooks.replay import replay

router = APIRouter(prefix="/v1/projects/{project}/deliveries", tags=["webhooks"])
_BULK_S = 15.0  # An HTTP API ends a request after 30 s.


class ReplayRequest(Strict):
    """Which deliveries to send again: of runs accepted since then, in this state; pending ones never are."""

    since: str | float = Field(description=SINCE)
    state: Literal["EXHAUSTED", "DELIVERED"] | None = Field("EXHAUSTED", description="null for both")
    model: str = Field("", max_length=64, description="empty for all")
    cursor: str = Field("", max_length=64, description="of the previous answer, to go on")


@router.get("")
def get_deliveries(
    project: Predictor,
    services: ServicesDep,
    selection: Selection,
    state: Annotated[str, Query(pattern=f"^({'|'.join(DELIVERY_STATES)})$")] | None = None,
    limit: Limit = 50,
) -> DeliveryList:
    """List the project's deliveries, newest run first."""
    rows, cursor = list_deliveries(services.runs, project, replace(selection, state=state or ""), limit)
    return DeliveryList(deliveries=[DeliveryView.of(row) for row in rows], cursor=cursor or None)


@router.get("/{run_id}")
def get_delivery(project: Predictor, services: ServicesDep, run_id: str) -> DeliveryDetail:
    """Return a run's delivery with all its attempts."""
    row = _find(services, project, run_id)
    return delivery_detail(row, attempts(services.runs, row))


@router.post("/replay")
def replay_deliveries(project: Predictor, services: ServicesDep, body: Json[ReplayRequest]) -> Replayed:
    """Send many deliveries again. To go on after one request's time, send the answer's `cursor`."""
    selection = replace(read_selection(body.model, str(body.since), cursor=body.cursor), state=body.state or "")
    until = time.monotonic() + _BULK_S
    sent = 0
    for row in all_deliveries(services.runs, project, selection):
        if row.state != PENDING:
            sent += _replayed(services, row) is not None
        if time.monotonic() >= until:
            return Replayed(replayed=sent, cursor=row.run_id)
    return Replayed(replayed=sent, cursor=None)


@router.post("/{run_id}/replay")
def replay_delivery(project: Predictor, services: ServicesDep, run_id: str) -> DeliveryView:
    """Send the delivery again under the same id, from the start of the schedule; a pending one at once."""
    row = _replayed(services, _find(services, project, run_id))
    if row is None:
        raise _missing()
    return DeliveryView.of(row)


def _replayed(services: Services, row: Delivery) -> Delivery | None:
    try:
        return replay(services.runs, row)
    except ConditionFailed:
        return None  # It has expired meanwhile.


def _find(services: Services, project: str, run_id: str) -> Delivery:
    row = find_delivery(services.runs, project, run_id)
    if row is None:
        raise _missing()
    return row


def _missing() -> NotFound:
    return NotFound("there is no delivery of such a run in this project.", "List them with `cote deliveries ls`.")
