"""Times as rows, answers and webhooks carry them: UTC in ISO 8601 with milliseconds and a `Z`."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return the current time."""
    return _iso(datetime.now(UTC))


def instant(at_s: float) -> str:
    """Return the time that is `at_s` seconds after the epoch."""
    return _iso(datetime.fromtimestamp(at_s, UTC))


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
