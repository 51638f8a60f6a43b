"""A run in the caller's hand: wait for its result, look at it, cancel it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol, TypeVar

from modelcote.core.errors import WaitTimeout
from modelcote.core.runs import OPEN
from modelcote.sdk.run_calls import RunCalls
from modelcote.sdk.wire import Steps

__all__ = ["AsyncRunHandle", "RunHandle", "WaitTimeout"]
Result = TypeVar("Result")


class Perform(Protocol):
    """Takes the steps of a call, over a client's connections."""

    def __call__(self, steps: Steps[Result]) -> Result: ...


class PerformAsync(Protocol):
    """As `Perform`, for asyncio."""

    def __call__(self, steps: Steps[Result]) -> Awaitable[Result]: ...


class RunHandle:
    """A run by its id. `accepted` is the answer that accepted it, empty for one that was looked up."""

    def __init__(
        self, calls: RunCalls, perform: Perform, run_id: str, accepted: Mapping[str, Any] | None = None
    ) -> None:
        self.run_id = run_id
        self.accepted = dict(accepted or {})
        self._calls, self._perform = calls, perform

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.run_id!r})"

    def result(self, timeout: float | None = None) -> Any:
        """The result, once the run has ended.

        Raises the run's own error (`modelcote.errors`, with `run_id` and `state` in its `extra`), and `WaitTimeout`,
        a `TimeoutError`, when it has not ended in `timeout` seconds; None waits for as long as it takes.
        """
        return self._perform(self._calls.wait_result(self.run_id, timeout))

    def status(self) -> dict[str, Any]:
        """The run as it is now: `state`, `attempt`, `error`, its times and, if there is one, its result."""
        return self._perform(self._calls.run(self.run_id))

    def done(self) -> bool:
        """Whether it has ended, whatever its end."""
        return self.status()["state"] not in OPEN

    def cancel(self) -> dict[str, Any]:
        """The canceled run; raises `Conflict` for one that has ended."""
        return self._perform(self._calls.cancel(self.run_id))


class AsyncRunHandle:
    """As `RunHandle`, for asyncio."""

    def __init__(
        self, calls: RunCalls, perform: PerformAsync, run_id: str, accepted: Mapping[str, Any] | None = None
    ) -> None:
        self.run_id = run_id
        self.accepted = dict(accepted or {})
        self._calls, self._perform = calls, perform

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.run_id!r})"

    async def result(self, timeout: float | None = None) -> Any:
        """As `RunHandle.result`."""
        return await self._perform(self._calls.wait_result(self.run_id, timeout))

    async def status(self) -> dict[str, Any]:
        """As `RunHandle.status`."""
        return await self._perform(self._calls.run(self.run_id))

    async def done(self) -> bool:
        """As `RunHandle.done`."""
        return (await self.status())["state"] not in OPEN

    async def cancel(self) -> dict[str, Any]:
        """As `RunHandle.cancel`."""
        return await self._perform(self._calls.cancel(self.run_id))
