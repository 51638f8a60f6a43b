"""A batch of queue messages, processed in parallel; only those that failed return to the queue."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from modelcote.core.log import log

Record = Mapping[str, Any]


def each(event: Mapping[str, Any], work: Callable[[Record], object]) -> dict[str, Any]:
    """Return the partial batch response (`ReportBatchItemFailures`) of an SQS event: messages where `work` raised."""
    records = event["Records"]
    with ThreadPoolExecutor(max(1, len(records))) as pool:
        failed = list(pool.map(lambda record: _failed(record, work), records))
    return {
        "batchItemFailures": [
            {"itemIdentifier": record["messageId"]} for record, bad in zip(records, failed, strict=True) if bad
        ]
    }


def _failed(record: Record, work: Callable[[Record], object]) -> bool:
    try:
        work(record)
    except Exception as error:  # the message is received again, and after the fifth time goes to the dead letters
        at = traceback.format_tb(error.__traceback__)[-1].strip()
        log("message failed", message=record["messageId"], reason=repr(error)[:500], at=at)
        return True
    return False
