"""Process queued runs: the fast lane to its end, the long lane into its state machine."""

from __future__ import annotations

import threading
from typing import Any

from modelcote.aws.sqs_batch import Record, each
from modelcote.backends import Backends
from modelcote.core.target import Target
from modelcote.runs.executions import state_machine_from_env
from modelcote.runs.messages import read_task
from modelcote.runs.store import store_from_env
from modelcote.runs.worker import work

_store = store_from_env()
_long = state_machine_from_env()
_own = threading.local()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Process a batch of the queue `runs`."""
    return each(event, _work)


def _work(record: Record) -> None:
    work(_store, read_task(record), _invoke, _long)


def _invoke(target: Target, payload: bytes, timeout_s: float) -> bytes:
    # A connection is for one thread.
    if not hasattr(_own, "backends"):
        _own.backends = Backends()
    backends: Backends = _own.backends
    return backends.invoke(target, payload, timeout_s)
