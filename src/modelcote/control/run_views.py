"""What is shown of runs and of deliveries. No credential of a callback is ever among it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from modelcote.control.views import instant
from modelcote.core.runs import STATES
from modelcote.runs.records import DELIVERY_STATES, PENDING, Attempt, Delivery, Run


class RunView(BaseModel):
    """A prediction in the background. Null times: not yet, or never."""

    run_id: str
    model: str
    version: int
    state: str = Field(description=", ".join(STATES))
    attempt: int = Field(description="how often it has been begun")
    created_at: str
    started_at: str | None
    ended_at: str | None
    queue_until: str = Field(description="when it expires, if it has not been begun")
    run_limit_s: float
    run_time_ms: float
    points: int = Field(description="how many data points the result has")
    result_until: str | None = Field(description="until when the result can be read")
    error: dict[str, Any] | None = Field(description="a problem, where the run did not succeed")
    webhook_endpoint: str | None
    webhook_auth: bool = Field(description="whether credentials go with the webhook")


class RunList(BaseModel):
    """The newest first. `cursor` leads to the next page; null: there is none."""

    runs: list[RunView]
    cursor: str | None


class Reference(BaseModel):
    """Where a large result lies: a GET of `result_url`, without a key, gives an object whose member `result` is it."""

    result_url: str | None = None
    sha256: str | None = Field(None, description="of the whole answer of `result_url`, in hexadecimal")
    bytes: int | None = None
    content_type: str | None = None


class RunDetail(RunView, Reference):
    """A run and, once it has succeeded and until the result expires, its result: `result`, or the reference."""

    result: Any = None


class RunResult(Reference):
    """A result: `result`, or of a large one the reference."""

    run_id: str
    run_time_ms: float
    points: int
    result: Any = None


class DeliveryView(BaseModel):
    """What a receiver is owed about a run. `webhook_id` is the same over all attempts and replays."""

    run_id: str
    model: str
    webhook_id: str
    event: str
    url: str
    state: str = Field(description=", ".join(DELIVERY_STATES))
    reason: str
    attempts_made: int
    replays: int
    created_at: str
    next_at: str | None
    delivered_at: str | None


class DeliveryList(BaseModel):
    """The newest first. `cursor` leads to the next page; null: there is none."""

    deliveries: list[DeliveryView]
    cursor: str | None


class AttemptView(BaseModel):
    """One attempt. `status` is null where no answer came, `error` where one did; `answer` has at most 4 KB."""

    number: int
    at: str
    status: int | None
    error: str | None
    answer: str
    took_ms: float


class DeliveryDetail(DeliveryView):
    attempts: list[AttemptView]


class Replayed(BaseModel):
    """How many are sent again. With a `cursor` there are more: ask again with it."""

    replayed: int
    cursor: str | None


def run_view(row: Run) -> RunView:
    return RunView(
        run_id=row.run_id,
        model=row.model,
        version=row.version,
        state=row.state,
        attempt=row.attempt,
        created_at=instant(row.created_at_s),
        started_at=_instant(row.started_at_s),
        ended_at=_instant(row.ended_at_s),
        queue_until=instant(row.queue_until_s),
        run_limit_s=row.run_limit_s,
        run_time_ms=row.run_time_ms,
        points=row.points,
        result_until=_instant(row.result_until_s),
        error=row.error,
        webhook_endpoint=row.webhook_url or None,
        webhook_auth=bool(row.webhook_auth or row.webhook_default_auth),
    )


def delivery_view(row: Delivery) -> DeliveryView:
    return DeliveryView(**_delivery(row))


def delivery_detail(row: Delivery, attempts: list[Attempt]) -> DeliveryDetail:
    return DeliveryDetail(**_delivery(row), attempts=[_attempt(attempt) for attempt in attempts])


def _delivery(row: Delivery) -> dict[str, Any]:
    known = ("run_id", "model", "webhook_id", "event", "url", "state", "reason", "replays")
    return {
        **{name: getattr(row, name) for name in known},
        "attempts_made": row.attempts,
        "created_at": instant(row.created_at_s),
        "next_at": instant(row.next_at_s) if row.state == PENDING else None,
        "delivered_at": _instant(row.delivered_at_s),
    }


def _attempt(row: Attempt) -> AttemptView:
    return AttemptView(
        number=row.number,
        at=instant(row.at_s),
        status=row.status or None,
        error=row.error or None,
        answer=row.answer,
        took_ms=row.took_ms,
    )


def _instant(at_s: float) -> str | None:
    return instant(at_s) if at_s else None
