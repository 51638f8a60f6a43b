"""Handles of runs: wait for the result, look at the run, cancel it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol, TypeVar

from modelcote.core.errors import WaitTimeout
from modelcote.core.runs import OPEN
from modelcote.sdk.answers import RunDetail, RunView
from modelcote.sdk.run_calls import RunCalls
from modelcote.sdk.wire import Steps

__all__ = ["AsyncRunHandle", "RunHandle", "WaitTimeout"]
Result = TypeVar("Result")


class Perform(Protocol):
    """Runs the steps of a call over a client's connections."""

    def __call__(self, steps: Steps[Result]) -> Result: ...


class PerformAsync(Protocol):
    """As `Perform`, for asyncio."""

    def __call__(self, steps: Steps[Result]) -> Awaitable[Result]: ...


class _Handle:
    def __init__(self, calls: RunCalls, perform: Any, run_id: str, accepted: Mapping[str, Any] | None = None) -> None:
        self.run_id = run_id
        self.accepted = dict(accepted or {})
        self._calls, self._perform = calls, perform

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.run_id!r})"


class RunHandle(_Handle):
    """A submitted run. `accepted` is the answer that accepted it, empty for a run that was looked up."""

    _perform: Perform

    def result(self, timeout: float | None = None) -> Any:
        """Wait until the run has ended and return its result.

        Raises the run's own error (`modelcote.errors`, with `run_id` and `state` in its `extra`), and `WaitTimeout`,
        a `TimeoutError`, when it has not ended in `timeout` seconds; None waits without a limit.
        """
        return self._perform(self._calls.wait_result(self.run_id, timeout))

    def status(self) -> RunDetail:
        """Read the run as it is now: `state`, `attempt`, `error`, its times and, if there is one, its result."""
        return self._perform(self._calls.run(self.run_id))

    def done(self) -> bool:
        """Return whether the run has ended, successfully or not."""
        return self.status()["state"] not in OPEN

    def cancel(self) -> RunView:
        """Cancel the run; raise `Conflict` if it has ended."""
        return self._perform(self._calls.cancel(self.run_id))


class AsyncRunHandle(_Handle):
    """`RunHandle` for asyncio."""

    _perform: PerformAsync

    async def result(self, timeout: float | None = None) -> Any:
        """See `RunHandle.result`."""
        return await self._perform(self._calls.wait_result(self.run_id, timeout))

    async def status(self) -> RunDetail:
        """See `RunHandle.status`."""
        return await self._perform(self._calls.run(self.run_id))

    async def done(self) -> bool:
        """See `RunHandle.done`."""
        return (await self.status())["state"] not in OPEN

    async def cancel(self) -> RunView:
        """See `RunHandle.cancel`."""
        return await self._perform(self._calls.cancel(self.run_id))
