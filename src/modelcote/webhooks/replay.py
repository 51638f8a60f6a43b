"""Send a delivery again on request."""

from __future__ import annotations

from dataclasses import replace

from modelcote.aws.table import add
from modelcote.runs.messages import announce
from modelcote.runs.records import PENDING, Delivery, due_pk
from modelcote.runs.store import RunStore
from modelcote.webhooks import receiver_health


def replay(store: RunStore, delivery: Delivery) -> Delivery:
    """Send the delivery again from the start of the schedule, under the same id; one that is pending, now."""
    at = store.clock()
    receiver_health.enable(store, delivery.project, delivery.url)
    item = store.table.update(
        delivery.key,
        {
            "state": PENDING,
            "tries": 0,
            "replays": add(1),
            "next_at_s": at,
            "reason": "",
            "claimed_until_s": 0,
            "due_pk": due_pk(delivery.run_id),
            "due_at_s": at + store.policy.delivery_claim_s,
        },
        "attribute_exists(#pk)",
    )
    announce(store, delivery)
    return replace(delivery, **{name: item[name] for name in ("state", "tries", "replays", "next_at_s", "reason")})
