"""The health of a receiver: one row for each project and URL, written only while it fails."""

from __future__ import annotations

from dataclasses import dataclass

from modelcote.runs.records import endpoint_key
from modelcote.runs.store import RunStore


@dataclass(frozen=True)
class ReceiverHealth:
    """`failing_since_s` is 0 where the last delivery succeeded, `disabled_at_s` 0 where deliveries are sent."""

    failing_since_s: float = 0
    disabled_at_s: float = 0
    reason: str = ""


def health_of(store: RunStore, project: str, url: str) -> ReceiverHealth:
    """Return the health of the receiver at a URL; a good one where nothing is known."""
    item = store.table.get(*endpoint_key(project, url)) or {}
    return ReceiverHealth(item.get("failing_since_s", 0), item.get("disabled_at_s", 0), item.get("reason", ""))


def enable(store: RunStore, project: str, url: str) -> None:
    """Forget that a receiver failed, and send to it again: a delivery succeeded, or a replay requests it."""
    store.table.update(
        endpoint_key(project, url),
        {
            "failing_since_s": 0,
            "disabled_at_s": 0,
            "reason": "",
            "expires_at_s": int(store.clock() + store.policy.row_ttl_s),
        },
    )


def record_failure(store: RunStore, project: str, url: str, before: ReceiverHealth, *, gone: bool) -> bool:
    """Record a failure. Return whether it disables the receiver: it answered 410, or has failed for five days."""
    at, policy = store.clock(), store.policy
    since = before.failing_since_s or at
    disabled = gone or at - since >= policy.endpoint_disabled_after_s
    if before.failing_since_s and not disabled:
        return False
    store.table.update(
        endpoint_key(project, url),
        {
            "failing_since_s": since,
            "disabled_at_s": at if disabled else 0,
            "reason": ("it answered 410" if gone else "it failed for too long") if disabled else "",
            "expires_at_s": int(at + policy.row_ttl_s),
            "url": url,
        },
    )
    return disabled
