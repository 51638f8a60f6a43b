"""The functions' output: to `logs/<function>.log`, and in batches to CloudWatch Logs of the emulator.

One thread does both, so that no call waits for it. When the emulator is not there the files still are.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from modelcote.aws.http import AwsClient, Credentials, Door, Post
from modelcote.local.host.settings import REGION

_BATCH_S = 0.25
_MAX_FILE = 20 * 1024 * 1024
# CloudWatch Logs accepts at most 10,000 events and 1 MiB per request.
_MAX_EVENTS = 1_000
_MAX_LINE = 100_000


@dataclass(frozen=True)
class Line:
    at: float
    function: str
    stream: str
    text: str
    ship: bool


class Logs:
    """`write` never blocks; `close` writes what is left."""

    def __init__(self, folder: Path, emulator: str) -> None:
        self._folder, self._emulator = folder, CloudWatch(emulator)
        self._queue: SimpleQueue[Line | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def write(self, function: str, stream: str, text: str, *, ship: bool = True) -> None:
        """Write one line; `ship=False` keeps it in the file alone."""
        self._queue.put(Line(time.time(), function, stream, text[:_MAX_LINE], ship))

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is not None:
                time.sleep(_BATCH_S)
            lines = [first]
            while not self._queue.empty():
                lines.append(self._queue.get())
            self._store([line for line in lines if line is not None])
            if None in lines:
                return

    def _store(self, lines: Sequence[Line]) -> None:
        by_function: dict[str, list[Line]] = defaultdict(list)
        by_stream: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in lines:
            by_function[line.function].append(line)
            if line.ship:
                by_stream[line.function, line.stream].append(line)
        for function, some in by_function.items():
            _append(self._folder / f"{function}.log", some)
        for (function, stream), some in by_stream.items():
            for start in range(0, len(some), _MAX_EVENTS):
                self._emulator.put(f"/aws/lambda/{function}", stream, some[start : start + _MAX_EVENTS])


def _append(path: Path, lines: Sequence[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _MAX_FILE:
        path.replace(path.with_suffix(".log.1"))
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{datetime.fromtimestamp(line.at, UTC):%Y-%m-%dT%H:%M:%S.%fZ} {line.text}\n" for line in lines)


class CloudWatch:
    """PutLogEvents without botocore, which would cost the host 0.2 s and 20 MB for one operation."""

    def __init__(self, emulator: str) -> None:
        endpoint = Door("logs", REGION, urlsplit(emulator).netloc, secure=False)
        self._client = AwsClient(endpoint, lambda: Credentials("test", "test"))
        self._streams: set[tuple[str, str]] = set()

    def put(self, group: str, stream: str, lines: Sequence[Line]) -> None:
        """Store the lines, with group and stream created if need be; without an emulator they are lost."""
        with suppress(OSError):
            if (group, stream) not in self._streams:
                self._call("CreateLogGroup", logGroupName=group)
                self._call("CreateLogStream", logGroupName=group, logStreamName=stream)
                self._streams.add((group, stream))
            events = [{"timestamp": int(line.at * 1000), "message": line.text} for line in lines]
            self._call("PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events)

    def _call(self, operation: str, **parameters: Any) -> None:
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"Logs_20140328.{operation}"}
        self._client.post(Post("/", "", headers, json.dumps(parameters).encode()), timeout_s=5)
