"""The processes of one function version: which answers the next call, when one is started, when one ends.

The process used last is used next, so that surplus ones fall idle. A call that finds none free waits a moment
for a busy one before another is started: a laptop has too few cores to load a model for every burst.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from modelcote.local.functions import FunctionVersion
from modelcote.local.host import outcome
from modelcote.local.host.logs import Logs
from modelcote.local.host.outcome import Failure
from modelcote.local.host.process import Process
from modelcote.local.host.settings import HostSettings

# After a failed start, for processes that no call waits for.
_PAUSE_S = 30.0
Waiter = asyncio.Future[Process | Failure]


class Pool:
    """Processes of one version of one function. `make_room` is called before a process is started."""

    def __init__(
        self, version: FunctionVersion, function: str, settings: HostSettings, logs: Logs, make_room: Callable[[], None]
    ) -> None:
        self.version, self.function = version, function
        self._settings, self._limits, self._logs, self._make_room = settings, settings.limits, logs, make_room
        self._loop = asyncio.get_running_loop()
        self.processes: set[Process] = set()  # loaded and alive
        self.loading: set[Process] = set()
        self.idle: list[Process] = []
        self._waiting: deque[tuple[float, Waiter]] = deque()  # since when, and who
        self._starting: set[asyncio.Task[None]] = set()
        self._drained = False
        self._failed_at = float("-inf")

    def take_idle(self) -> Process | None:
        """Return a process that is ready at once, or None."""
        return self.idle.pop() if self.idle else None

    async def acquire(self, patience_s: float) -> Process | Failure:
        """Return a process that is ready, or the failure to load one; raise TimeoutError when none becomes free."""
        waiter: Waiter = self._loop.create_future()
        turn = (time.monotonic(), waiter)
        self._waiting.append(turn)
        if self._count:
            self._loop.call_later(self._limits.patience_s, self._scale)
        else:
            self._scale()
        try:
            await asyncio.wait((waiter,), timeout=patience_s)
        except asyncio.CancelledError:
            if waiter.done() and isinstance(process := waiter.result(), Process):
                self._on_idle(process)
            raise
        finally:
            if not waiter.done():
                self._waiting.remove(turn)
        if not waiter.done():
            raise TimeoutError
        return waiter.result()

    def ensure(self, count: int) -> list[asyncio.Task[None]]:
        """Start processes until there are `count`; the tasks end when they are loaded, or have failed to.

        After a failure, for half a minute, only a call starts a process, and is answered with its failure.
        """
        while self._count < count and time.monotonic() - self._failed_at > _PAUSE_S:
            self._start()
        return list(self._starting)

    def drain(self) -> None:
        """Let calls in flight finish, and end every process as soon as it has none."""
        self._drained = True
        for process in (*self.processes, *self.loading):
            process.retired = True
        for process in self.idle:
            process.kill()

    def close(self) -> None:
        """End everything now; calls in flight are answered with the end of their process."""
        for task in self._starting:
            task.cancel()
        self._starting.clear()
        for process in (*self.processes, *self.loading):
            process.kill()

    def reap(self, keep: int) -> None:
        """End processes that were idle for too long, all but `keep`; the oldest first."""
        horizon = time.monotonic() - self._limits.idle_s
        surplus = max(0, len(self.processes) - keep)
        for process in [one for one in self.idle if one.idle_since < horizon][:surplus]:
            self.retire(process)

    def retire(self, process: Process) -> None:
        """Take an idle process out and end it."""
        self.idle.remove(process)
        process.retired = True
        process.kill()

    @property
    def empty(self) -> bool:
        return not self._count and not self._waiting

    @property
    def _count(self) -> int:
        return len(self.processes) + len(self._starting)

    def _scale(self) -> None:
        missing = len(self._waiting) - len(self._starting)
        room = min(self._limits.processes_per_version - self._count, self._limits.starting - len(self._starting))
        for _ in range(min(missing, room)):
            self._start()

    def _start(self) -> None:
        self._starting.add(self._loop.create_task(self._bring_up()))

    async def _bring_up(self) -> None:
        started = time.monotonic()
        result = await self._load()
        current = asyncio.current_task()
        assert current is not None
        self._starting.discard(current)
        if not isinstance(result, Process):
            self._failed_at = time.monotonic()
            self._fail_one(result, started)
        elif result.alive:
            self.processes.add(result)
            self._on_idle(result)
        self._scale()

    async def _load(self) -> Process | Failure:
        """Return a loaded process. Lambda ends the first attempt after 10 s and makes a second within the timeout."""
        for limit in (self._limits.init_s, float(self.version.timeout_s)):
            self._make_room()
            process = Process(
                self.function, self.version, self._settings, self._logs, on_idle=self._on_idle, on_exit=self._on_exit
            )
            process.retired = self._drained
            try:
                await process.start()
            except OSError as error:
                reason = str(error)
                return lambda _request_id: outcome.not_started(reason)
            self.loading.add(process)
            try:
                failure = await asyncio.wait_for(asyncio.shield(process.ready), limit)
            except TimeoutError:
                note = f"INIT_REPORT Init Duration: {limit * 1000:.2f} ms Phase: init Status: timeout"
                self._logs.write(process.function, process.stream, note)
                process.kill()
                continue
            if failure is None:
                self.loading.discard(process)
                return process
            process.kill()
            return failure
        return partial(outcome.timed_out, timeout_s=self.version.timeout_s)

    def _on_idle(self, process: Process) -> None:
        if self._waiting:
            self._waiting.popleft()[1].set_result(process)
        elif process.retired:
            process.kill()
        else:
            self.idle.append(process)

    def _on_exit(self, process: Process) -> None:
        self.processes.discard(process)
        self.loading.discard(process)
        if process in self.idle:
            self.idle.remove(process)
        self._scale()

    def _fail_one(self, failure: Failure, started: float) -> None:
        """Answer with the failure a call that has waited for this start from its beginning, as on Lambda."""
        if self._waiting and self._waiting[0][0] <= started:
            self._waiting.popleft()[1].set_result(failure)
