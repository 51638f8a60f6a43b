"""`python -m modelcote.local.emulator_main`: the emulator, which saves what was written within a second.

By itself it saves on a clean stop alone, and a killed process, an empty battery or a reboot would cost every
model and key. It stores S3 objects at once. Written against ministack 1.5.33, which is pinned: it uses the
emulator's own functions for saving, service by service.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from hypercorn.config import Config
from ministack import app as ministack
from ministack.core.persistence import save_all

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]

_DELAY_S = 1.0
# The service is part of the credential that signs every request: in a header, or in a presigned URL.
_CREDENTIAL = re.compile(rb"Credential=[^/&]+(?:/|%2F)\d+(?:/|%2F)[\w-]+(?:/|%2F)([\w-]+)(?:/|%2F)aws4_request")
_READS = ("Get", "List", "Describe", "Query", "Scan", "BatchGet", "Receive", "Filter", "Decrypt", "Generate")
# Signing names whose state is stored under another name.
_STATE_KEYS = {"monitoring": "cloudwatch", "states": "stepfunctions", "events": "eventbridge"}
# What a request changes of other services: a bucket notifies a queue of a new object inside the emulator.
_CHANGED_TOO = {"s3": ("sqs",)}
# Every call writes logs, which are in `logs/` as well: saving them at a clean stop is enough.
_SAVED_AT_STOP = frozenset({"logs"})


def written_service(scope: Scope) -> str:
    """Return the service whose state a request may change, or an empty text."""
    headers = dict(scope["headers"])
    match = _CREDENTIAL.search(headers.get(b"authorization", b"")) or _CREDENTIAL.search(scope["query_string"])
    service = match.group(1).decode() if match else ""
    operation = headers.get(b"x-amz-target", b"").decode("latin-1").rpartition(".")[2]
    reads = scope["method"] in ("GET", "HEAD") or operation.startswith(_READS) or scope["path"].endswith("/invocations")
    return "" if reads or service in _SAVED_AT_STOP else service


class Saving:
    """The emulator's ASGI application, which notes what is written and saves it a moment later."""

    def __init__(self, application: Asgi) -> None:
        self._application = application
        self._written: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await self._application(scope, receive, send)
        service = written_service(scope) if scope["type"] == "http" else ""
        if service:
            self._written.update((_STATE_KEYS.get(service, service), *_CHANGED_TOO.get(service, ())))
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_DELAY_S, self._save)

    def _save(self) -> None:
        self._timer = None
        written, self._written = self._written, set()
        readers = ministack._build_persistence_save_dict()
        save_all({name: readers[name] for name in written if name in readers})


def main() -> None:
    # A queue's long poll would hold up the stop for as long as the server is willing to wait, which is 3 s.
    Config.graceful_timeout = 0.1
    ministack.app = Saving(ministack.app)
    ministack.main()


if __name__ == "__main__":
    main()
