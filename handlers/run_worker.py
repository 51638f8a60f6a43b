"""Works runs off the queue: the fast lane to its end, the long lane into its state machine."""

from __future__ import annotations

import threading
from typing import Any

from modelcote.aws.http import aws_client
from modelcote.aws.sqs_batch import Record, each
from modelcote.backends.lambda_ import LambdaBackend
from modelcote.runs.executions import state_machine_from_env
from modelcote.runs.messages import read_task
from modelcote.runs.store import store_from_env
from modelcote.runs.work import work

_store = store_from_env()
_long = state_machine_from_env()
_own = threading.local()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A batch of the queue `runs`."""
    return each(event, _work)


def _work(record: Record) -> None:
    work(_store, read_task(record), _invoke, _long.start)


def _invoke(function_name: str, payload: bytes, timeout_s: float) -> bytes:
    # Its connection is for one thread.
    if not hasattr(_own, "backend"):
        _own.backend = LambdaBackend(aws_client("lambda"))
    backend: LambdaBackend = _own.backend
    return backend.invoke(function_name, payload, timeout_s)
