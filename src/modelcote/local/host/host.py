"""Calls to functions: which version, whether there is room, which process, what the log says about it."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from modelcote.local.functions import FunctionDefinition, FunctionVersion, definition_path, read_definition
from modelcote.local.host.logs import Logs
from modelcote.local.host.outcome import Failure, Outcome
from modelcote.local.host.pool import Pool
from modelcote.local.host.process import Invocation, Process
from modelcote.local.host.settings import HostSettings


@dataclass(frozen=True)
class Answer:
    """`version` is the one that was executed; `tail` the last lines of the log."""

    outcome: Outcome
    version: str
    tail: tuple[str, ...] = ()


class NoSuchFunctionError(LookupError):
    """There is no function of that name, or no such version or alias."""


class ThrottledError(RuntimeError):
    """The function is at its reserved concurrency, or no process came free; the argument is Lambda's reason code."""


class Host:
    """Every function's pools. All methods run on the event loop."""

    def __init__(self, settings: HostSettings) -> None:
        self.settings = settings
        self.counts: dict[str, Counter[str]] = {}
        self._logs = Logs(settings.home / "logs", settings.emulator)
        self._definitions: dict[str, tuple[tuple[int, int], FunctionDefinition]] = {}
        self._pools: dict[tuple[str, str, str], Pool] = {}
        self._draining: set[Pool] = set()
        self._in_flight: Counter[str] = Counter()

    async def invoke(self, call: Invocation, on_dispatch: Callable[[], None] = lambda: None) -> Answer:
        """Run one call; `on_dispatch` is called when a process takes it, which is when its time starts.

        Raises `NoSuchFunctionError` and `ThrottledError`.
        """
        definition = self.definition(call.function)
        version = definition.resolve(call.qualifier)
        if version is None:
            raise NoSuchFunctionError(f"{call.function}:{call.qualifier}")
        counts = self.counts.setdefault(call.function, Counter())
        if definition.reserved is not None and self._in_flight[call.function] >= definition.reserved:
            counts["throttled"] += 1
            raise ThrottledError("ReservedFunctionConcurrentInvocationLimitExceeded")
        self._in_flight[call.function] += 1
        try:
            process = await self._process(definition, version)
            if not isinstance(process, Process):
                counts["errors"] += 1
                return Answer(process(call.request_id), version.version)
            on_dispatch()
            return await self._run(call, _arn(definition, call.qualifier), process, counts)
        finally:
            self._in_flight[call.function] -= 1

    def definition(self, name: str) -> FunctionDefinition:
        """Return the function's definition as it is now; a change of it retires the processes that it outdates."""
        try:
            stat = definition_path(self.settings.functions, name).stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            cached_stamp, cached = self._definitions.get(name, (None, None))
            definition = cached if cached_stamp == stamp else read_definition(self.settings.functions, name)
        except OSError:
            definition = None
        if definition is None:
            self._forget(name)
            raise NoSuchFunctionError(name)
        if definition is cached:
            return definition
        self._definitions[name] = (stamp, definition)
        self._retire_outdated(definition)
        return definition

    def sync(self) -> None:
        """Look at every definition: drain what is gone, start what is provisioned, end what was idle too long."""
        names = {path.stem for path in self.settings.functions.glob("*.json")}
        for name in names | set(self._definitions):
            try:
                definition = self.definition(name)
            except NoSuchFunctionError:
                continue
            for version in definition.versions.values():
                if version.provisioned:
                    self._pool(definition, version).ensure(self._provisioned(version))
        for pool in self._pools.values():
            pool.reap(keep=self._provisioned(pool.version))
        self._draining = {pool for pool in self._draining if not pool.empty}

    async def prewarm(self, names: Iterable[str], qualifier: str) -> None:
        """Load one process of each function, and wait for all of them; a failure shows at the first call."""
        tasks: list[asyncio.Task[None]] = []
        for name in names:
            definition = self.definition(name)
            version = definition.resolve(qualifier) or definition.resolve("")
            if version is not None:
                tasks += self._pool(definition, version).ensure(1)
        if tasks:
            await asyncio.wait(tasks)

    def watch_memory(self) -> None:
        for process in self.processes():
            if process.busy:
                process.watch_memory()

    def reap_children(self) -> None:
        """Answer the calls of processes that have ended."""
        for process in self.processes():
            process.poll()

    def processes(self) -> list[Process]:
        """Return every process, those that are loading among them."""
        pools = (*self._pools.values(), *self._draining)
        return [process for pool in pools for process in (*pool.processes, *pool.loading)]

    async def close(self) -> None:
        """End every process, and write the rest of the logs."""
        while self.processes():
            for pool in (*self._pools.values(), *self._draining):
                pool.close()
            await asyncio.sleep(0.005)
        self._logs.close()

    async def _process(self, definition: FunctionDefinition, version: FunctionVersion) -> Process | Failure:
        pool = self._pool(definition, version)
        idle = pool.take_idle()
        if idle is not None:
            return idle
        try:
            return await pool.acquire(self.settings.limits.init_s + 2 * version.timeout_s)
        except TimeoutError:
            raise ThrottledError("ConcurrentInvocationLimitExceeded") from None

    async def _run(self, call: Invocation, arn: str, process: Process, counts: Counter[str]) -> Answer:
        cold, version, started = process.calls == 0, process.version, time.monotonic()
        counts["cold" if cold else "warm"] += 1
        ship = not call.forwarded
        start = f"START RequestId: {call.request_id} Version: {version.version}"
        self._logs.write(call.function, process.stream, start, ship=ship)
        outcome = process.call(call, arn)
        timer = asyncio.get_running_loop().call_later(version.timeout_s, process.expire)
        try:
            result = await outcome
        finally:
            timer.cancel()
        milliseconds = (time.monotonic() - started) * 1000
        counts["errors"] += bool(result.error_type)
        report = _report_line(call, process, milliseconds, cold, result.error_type)
        for line in (f"END RequestId: {call.request_id}", report):
            self._logs.write(call.function, process.stream, line, ship=ship)
        return Answer(result, version.version, (*process.tail, report))

    def _pool(self, definition: FunctionDefinition, version: FunctionVersion) -> Pool:
        key = (definition.name, version.version, version.digest)
        if key not in self._pools:
            self._pools[key] = Pool(version, definition.name, self.settings, self._logs, self._make_room)
        return self._pools[key]

    def _retire_outdated(self, definition: FunctionDefinition) -> None:
        """Drain pools of versions that are gone, have changed, or have lost their alias."""
        current = {
            (definition.name, version.version, version.digest)
            for version in definition.versions.values()
            if definition.is_current(version.version)
        }
        for key in [key for key in self._pools if key[0] == definition.name and key not in current]:
            self._drain(key)

    def _forget(self, name: str) -> None:
        self._definitions.pop(name, None)
        for key in [key for key in self._pools if key[0] == name]:
            self._drain(key)

    def _drain(self, key: tuple[str, str, str]) -> None:
        pool = self._pools.pop(key)
        pool.drain()
        self._draining.add(pool)

    def _make_room(self) -> None:
        """End the process that has been idle for longest when all functions together have too many."""
        if len(self.processes()) >= self.settings.limits.processes:
            pools = [pool for pool in self._pools.values() if not pool.version.provisioned]
            idle = [(process.idle_since, pool, process) for pool in pools for process in pool.idle]
            if idle:
                _, pool, process = min(idle, key=lambda row: row[0])
                pool.retire(process)

    def _provisioned(self, version: FunctionVersion) -> int:
        return min(version.provisioned, self.settings.limits.processes_per_version)


def _arn(definition: FunctionDefinition, qualifier: str) -> str:
    return f"{definition.arn}:{qualifier}" if qualifier else definition.arn


def _report_line(call: Invocation, process: Process, milliseconds: float, cold: bool, error_type: str) -> str:
    """Return Lambda's REPORT line; loading is billed with the call that waited for it."""
    init = process.init_s * 1000 if cold else 0.0
    fields = [
        f"REPORT RequestId: {call.request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {math.ceil(milliseconds + init)} ms",
        f"Memory Size: {process.version.memory_mb} MB",
        f"Max Memory Used: {process.peak_mb} MB",
    ]
    if cold:
        fields.append(f"Init Duration: {init:.2f} ms")
    if error_type:
        fields.append(f"Status: {'timeout' if error_type == 'Sandbox.Timedout' else 'error'}\tError Type: {error_type}")
    return "\t".join(fields)
