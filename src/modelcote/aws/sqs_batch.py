"""A batch of queue messages, worked off side by side; what failed goes back to the queue, and nothing else."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from modelcote.core.log import log

Record = Mapping[str, Any]


def each(event: Mapping[str, Any], work: Callable[[Record], object]) -> dict[str, Any]:
    """The partial batch response (`ReportBatchItemFailures`) of an SQS event: the messages for which `work` raised."""
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
    except Exception as error:  # whatever it was, the message comes again, and the fifth time goes to the dead letters
        at = traceback.format_tb(error.__traceback__)[-1].strip()
        log("message failed", message=record["messageId"], reason=repr(error)[:500], at=at)
        return True
    return False
