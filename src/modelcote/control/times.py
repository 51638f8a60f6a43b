"""Times as callers write them, in a query or a body."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from modelcote.core.errors import Invalid

SINCE = "a span such as 30m, 2h or 1d (so long ago), a time in ISO 8601, or seconds since the epoch"
_SPAN = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_EPOCH = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def read_time(field: str, text: str) -> float:
    """Seconds since the epoch, above 0 and at most the year 9999; raises `Invalid` with `field`."""
    at = _read(text)
    if at is None or at > _LAST:
        raise Invalid(
            f"{field}={ascii(text)[:40]} is neither a span nor a time.",
            "Use 30m, 2h, 1d, ISO 8601 or seconds since the epoch.",
            field=field,
        )
    # Zero stands for no limit where rows are looked for.
    return max(0.001, at)


def _read(text: str) -> float | None:
    span = _SPAN.fullmatch(text)
    if span:
        return time.time() - int(span[1]) * _SECONDS[span[2]]
    if _EPOCH.fullmatch(text):
        return float(text)
    if text.isdigit():
        return None  # Milliseconds, perhaps; ISO 8601 in its short form would be some day of the 18th century.
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
