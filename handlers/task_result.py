"""A model's function has left a result in S3: a synchronous call that became a run has ended."""

from __future__ import annotations

from typing import Any

from modelcote.aws.sqs_batch import Record, each
from modelcote.runs.endings import settle_notice
from modelcote.runs.store import store_from_env

_store = store_from_env()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Process a batch of the queue `results`: S3's notices of objects under `detached/`."""
    return each(event, _settle)


def _settle(record: Record) -> None:
    settle_notice(_store, record["body"])
