"""The client for asyncio: predict, submit, and everything about runs. For the rest use `Client`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, Unpack

import httpx

from modelcote.core.runs import OPEN
from modelcote.sdk.answers import Prediction, RunDetail, RunList, RunView
from modelcote.sdk.config import Target, find_target
from modelcote.sdk.run_calls import RunCalls, RunFilter, SubmitOptions
from modelcote.sdk.wire import TIMEOUT_S, Steps, perform_async

Result = TypeVar("Result")


class AsyncClient:
    """The API of one project; by default of the target that the environment or a local cloud names.

    `transport` is httpx's: the network by default, anything else in a test.
    """

    def __init__(self, target: Target | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.target = target or find_target()
        self._calls = RunCalls(self.target)
        self._http = httpx.AsyncClient(
            headers={"Authorization": self.target.api_key, "User-Agent": "modelcote"},
            timeout=TIMEOUT_S,
            transport=transport,
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def predict(
        self, name: str, data: Any, files: list[Any] | None = None, *, timeout: float | None = None
    ) -> Prediction:
        """See `Client.predict`."""
        return await self._do(self._calls.predict(name, data, files, timeout))

    async def submit(self, name: str, data: Any, **options: Unpack[SubmitOptions]) -> AsyncRunHandle:
        """See `Client.submit`."""
        accepted = await self._do(self._calls.submit(name, data, **options))
        return AsyncRunHandle(self, accepted["run_id"], accepted)

    def handle(self, run_id: str) -> AsyncRunHandle:
        """See `Client.handle`."""
        return AsyncRunHandle(self, run_id)

    async def runs(self, **filters: Unpack[RunFilter]) -> RunList:
        """See `Client.runs`."""
        return await self._do(self._calls.runs(**filters))

    async def run(self, run_id: str, wait: float = 0) -> RunDetail:
        """See `Client.run`."""
        return await self._do(self._calls.run(run_id, wait))

    async def result(self, run_id: str) -> Any:
        """See `Client.result`."""
        return await self._do(self._calls.result(run_id))

    async def cancel_run(self, run_id: str) -> RunView:
        """See `Client.cancel_run`."""
        return await self._do(self._calls.cancel(run_id))

    async def _do(self, steps: Steps[Result]) -> Result:
        return await perform_async(self._http, steps)


@dataclass(frozen=True, eq=False)
class AsyncRunHandle:
    """`RunHandle` for asyncio."""

    _client: AsyncClient = field(repr=False)
    run_id: str
    accepted: Mapping[str, Any] = field(default_factory=dict, repr=False)

    async def result(self, timeout: float | None = None) -> Any:
        """See `RunHandle.result`."""
        return await self._client._do(self._client._calls.wait_result(self.run_id, timeout))

    async def status(self) -> RunDetail:
        """See `RunHandle.status`."""
        return await self._client.run(self.run_id)

    async def done(self) -> bool:
        """See `RunHandle.done`."""
        return (await self.status())["state"] not in OPEN

    async def cancel(self) -> RunView:
        """See `RunHandle.cancel`."""
        return await self._client.cancel_run(self.run_id)
