"""Views of runs and of deliveries; a callback's credentials are never in one."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field

from modelcote.control.views.view import View
from modelcote.core.runs import STATES
from modelcote.core.times import instant
from modelcote.runs.records import DELIVERY_STATES, PENDING, Attempt, Delivery, Run


class RunView(View):
    """A prediction in the background. Null times: not yet, or never."""

    run_id: str
    model: str
    version: int
    state: str = Field(description=", ".join(STATES))
    attempt: int = Field(description="how often it has been started")
    created_at: str
    started_at: str | None
    ended_at: str | None
    queue_until: str = Field(description="when it expires, if it has not been started")
    run_limit_s: float
    run_time_ms: float
    points: int = Field(description="how many data points the result has")
    result_until: str | None = Field(description="until when the result can be read")
    error: dict[str, Any] | None = Field(description="a problem, where the run did not succeed")
    webhook_endpoint: str | None
    webhook_auth: bool = Field(description="whether credentials are sent with the webhook")


class RunList(View):
    """Newest first. `cursor` leads to the next page; null: this is the last."""

    runs: list[RunView]
    cursor: str | None


class Reference(View):
    """A large result: a GET of `result_url`, without a key, returns an object with the member `result`."""

    result_url: str | None = None
    sha256: str | None = Field(None, description="of the whole answer of `result_url`, in hexadecimal")
    bytes: int | None = None
    content_type: str | None = None


class RunDetail(RunView, Reference):
    """A run and, once it has succeeded and until the result expires, its result: `result`, or the reference."""

    result: Any = None


class RunResult(Reference):
    """A result: `result`, or the reference to a large one."""

    run_id: str
    run_time_ms: float
    points: int
    result: Any = None


class DeliveryView(View):
    """The delivery of a run's webhook. `webhook_id` is the same for all attempts and replays."""

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

    @classmethod
    def of(cls, row: Delivery, **members: Any) -> Self:
        next_at = instant(row.next_at_s) if row.state == PENDING else None
        return cls.from_row(row, attempts_made=row.attempts, next_at=next_at, **members)


class DeliveryList(View):
    """Newest first. `cursor` leads to the next page; null: this is the last."""

    deliveries: list[DeliveryView]
    cursor: str | None


class AttemptView(View):
    """One attempt. `status` is null if no answer arrived, `error` if one did; `answer` has at most 4 KB."""

    number: int
    at: str
    status: int | None
    error: str | None
    answer: str
    took_ms: float


class DeliveryDetail(DeliveryView):
    attempts: list[AttemptView]


class Replayed(View):
    """How many are sent again. With a `cursor` there are more: repeat the request with it."""

    replayed: int
    cursor: str | None


def run_view(row: Run) -> RunView:
    return RunView.from_row(
        row,
        webhook_endpoint=row.webhook_url or None,
        webhook_auth=bool(row.webhook_auth or row.webhook_default_auth),
    )


def delivery_detail(row: Delivery, attempts: list[Attempt]) -> DeliveryDetail:
    views = [AttemptView.from_row(one, status=one.status or None, error=one.error or None) for one in attempts]
    return DeliveryDetail.of(row, attempts=views)
