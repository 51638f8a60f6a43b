"""A delivery once more, because somebody asks for it."""

from __future__ import annotations

from dataclasses import replace

from modelcote.runs.records import PENDING, Delivery, due_pk
from modelcote.runs.store import RunStore
from modelcote.webhooks import endpoints


def replay(store: RunStore, delivery: Delivery) -> Delivery:
    """Sends the delivery once more from the start of the schedule, under the same id; one that is pending, now."""
    at = store.clock()
    endpoints.enable(store, delivery.project, delivery.url)
    item = store.table.update(
        delivery.key,
        "SET #state = :pending, #tries = :none, #replays = #replays + :one, #next_at_s = :at, #reason = :empty, "
        "#claimed_until_s = :none, #due_pk = :due_pk, #due_at_s = :due",
        "attribute_exists(#pk)",
        pending=PENDING,
        none=0,
        one=1,
        at=at,
        empty="",
        due_pk=due_pk(delivery.run_id),
        due=at + store.policy.delivery_claim_s,
    )
    store.announce(delivery.project, delivery.run_id, delivery.model)
    return replace(delivery, **{name: item[name] for name in ("state", "tries", "replays", "next_at_s", "reason")})
