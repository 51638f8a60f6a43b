"""One execution environment: a process under awslambdaric, and the Lambda Runtime API that it talks to.

The API has fixed paths, so every process gets its own listening socket; that costs one file descriptor and
saves telling processes apart by anything else.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from modelcote.local.functions import FunctionVersion
from modelcote.local.host import outcome
from modelcote.local.host.http import Connection, Request
from modelcote.local.host.logs import Logs
from modelcote.local.host.outcome import Failure, Outcome
from modelcote.local.host.settings import HostSettings
from modelcote.local.host.spawn import kill_group, resident_mb, spawn

_RUNTIME = "/2018-06-01/runtime/"
_JSON = (("Content-Type", "application/json"),)
_ACCEPTED = b'{"status":"OK"}'


@dataclass(frozen=True)
class Invocation:
    """A call as it arrived. `forwarded`: by the emulator, which writes its own START, END and REPORT lines."""

    function: str
    qualifier: str
    payload: bytes
    request_id: str
    forwarded: bool = False
    trace_id: str = ""


class Process:
    """`ready` resolves to None once the handler is loaded, or to the failure; then `call` may be used, one at a time.

    `on_idle` is called each time it waits for the next call, `on_exit` once when it has ended.
    """

    def __init__(
        self,
        function: str,
        version: FunctionVersion,
        settings: HostSettings,
        logs: Logs,
        *,
        on_idle: Callable[[Process], None],
        on_exit: Callable[[Process], None],
    ) -> None:
        self.function, self.version = function, version
        self._settings, self._logs, self._on_idle, self._on_exit = settings, logs, on_idle, on_exit
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[Failure | None] = self._loop.create_future()
        self.stream = f"{datetime.now(UTC):%Y/%m/%d}/[{version.version}]{uuid.uuid4().hex}"
        self.calls, self.init_s, self.peak_mb, self.idle_since = 0, 0.0, 0, time.monotonic()
        self.alive, self.retired = False, False
        self.tail: list[str] = []
        self._call: Invocation | None = None
        self._done: asyncio.Future[Outcome] = self._loop.create_future()
        self._parked: RuntimeConnection | None = None
        self._out_of_memory = self._timed_out = False
        self._partial = b""

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def busy(self) -> bool:
        return self._call is not None

    async def start(self) -> None:
        """Open the Runtime API's socket and start the interpreter; raises OSError when it cannot be executed."""
        self._server = await self._loop.create_server(lambda: RuntimeConnection(self), "127.0.0.1", 0)
        self._started = time.monotonic()
        try:
            self._popen = spawn(
                self.function, self.version, self._settings, self._server.sockets[0].getsockname()[1], self.stream
            )
        except OSError:
            self._server.close()
            raise
        self.alive = True
        assert self._popen.stdout is not None
        self._output = self._popen.stdout.fileno()
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self._read_output)

    def call(self, call: Invocation, arn: str) -> asyncio.Future[Outcome]:
        """Hand a call to the process; the future gets its outcome, whatever becomes of the process."""
        self._call = call
        self._done = self._loop.create_future()
        self.calls += 1
        self.tail = []
        assert self._parked is not None
        parked, self._parked = self._parked, None
        deadline_ms = int((time.time() + self.version.timeout_s) * 1000)
        headers = [
            *_JSON,
            ("Lambda-Runtime-Aws-Request-Id", call.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", arn),
            *([("Lambda-Runtime-Trace-Id", call.trace_id)] if call.trace_id else []),
        ]
        parked.send(200, headers, call.payload)
        return self._done

    def next_call(self, connection: RuntimeConnection) -> None:
        """Note that the process is ready for a call: it has loaded, or has finished the last one."""
        self._parked = connection
        if not self.ready.done():
            self.init_s = time.monotonic() - self._started
            self.watch_memory()
            self.ready.set_result(None)
        elif self._call is None:
            self.idle_since = time.monotonic()
            self._on_idle(self)

    def finish(self, request_id: str, result: Outcome) -> bool:
        """Give the call its outcome; False when there is no such call (any more)."""
        call = self._call
        if call is None or call.request_id != request_id:
            return False
        self._read_output()
        if self.alive:
            self.watch_memory()
        self._call = None
        self._done.set_result(result)
        return True

    def fail_init(self, failure: Failure) -> None:
        if not self.ready.done():
            self.ready.set_result(failure)

    def watch_memory(self) -> None:
        """Note the resident memory, and end the process when it is above the function's."""
        self.peak_mb = max(self.peak_mb, resident_mb(self._popen.pid))
        if self.peak_mb > self.version.memory_mb and self.alive:
            self._out_of_memory = True
            self.kill()

    def expire(self) -> None:
        """End the process because the call took too long."""
        self._timed_out = True
        self.kill()

    def kill(self) -> None:
        if self.alive:
            kill_group(self._popen)

    def poll(self) -> None:
        """Look whether the process has ended; called on every SIGCHLD."""
        if self.alive and self._popen.poll() is not None:
            self._ended(self._popen.returncode)

    def _ended(self, status: int) -> None:
        self.alive = False
        kill_group(self._popen)  # what the function itself had started
        if self._call is not None:
            self.finish(self._call.request_id, self._last_words(self._call.request_id, status))
        self._read_output()
        self._log(self._partial)
        self._loop.remove_reader(self._output)
        assert self._popen.stdout is not None
        self._popen.stdout.close()
        self._server.close()
        self.fail_init(partial(self._last_words, status=status))
        self._on_exit(self)

    def _last_words(self, request_id: str, status: int) -> Outcome:
        if self._timed_out:
            return outcome.timed_out(request_id, self.version.timeout_s)
        if self._out_of_memory:
            return outcome.out_of_memory(request_id)
        return outcome.exited(request_id, status)

    def _read_output(self) -> None:
        while True:
            try:
                data = os.read(self._output, 65_536)
            except BlockingIOError:
                return
            if not data:
                self._loop.remove_reader(self._output)
                return
            *lines, self._partial = (self._partial + data.replace(b"\r", b"\n")).split(b"\n")
            for line in lines:
                self._log(line)

    def _log(self, line: bytes) -> None:
        if line.strip():
            text = line.decode("utf-8", "replace")
            self.tail.append(text)
            self._logs.write(self.function, self.stream, text)


class RuntimeConnection(Connection):
    """The process's side of the Lambda Runtime API."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process = process

    def on_request(self, request: Request) -> None:
        path = request.target.removeprefix(_RUNTIME)
        if path == "invocation/next":
            self._process.next_call(self)
            return
        error_type = request.headers.get("lambda-runtime-function-error-type", "")
        if path == "init/error":
            self._process.fail_init(lambda _request_id: outcome.raised(request.body, error_type))
            self.send(202, _JSON, _ACCEPTED)
            return
        _, request_id, what = (*path.split("/"), "", "")[:3]
        result = outcome.returned(request.body) if what == "response" else outcome.raised(request.body, error_type)
        if what in ("response", "error") and self._process.finish(request_id, result):
            self.send(202, _JSON, _ACCEPTED)
        else:
            self.send(400, _JSON, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
