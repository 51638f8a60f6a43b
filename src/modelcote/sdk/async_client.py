"""The client for asyncio: predict, submit, and what there is to do with runs. All else is `Client`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx

from modelcote.sdk.config import Target, find_target
from modelcote.sdk.run_calls import RunCalls
from modelcote.sdk.runs import AsyncRunHandle
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
    ) -> dict[str, Any]:
        """As `Client.predict`."""
        return await self._do(self._calls.predict(name, data, files, timeout))

    async def submit(
        self,
        name: str,
        data: Any,
        *,
        webhook: str | None = None,
        webhook_auth: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        queue_limit_s: float | None = None,
        run_limit_s: float | None = None,
        result_ttl_s: float | None = None,
        files: list[Any] | None = None,
    ) -> AsyncRunHandle:
        """As `Client.submit`."""
        accepted = await self._do(
            self._calls.submit(
                name,
                data,
                webhook=webhook,
                webhook_auth=webhook_auth,
                idempotency_key=idempotency_key,
                queue_limit_s=queue_limit_s,
                run_limit_s=run_limit_s,
                result_ttl_s=result_ttl_s,
                files=files,
            )
        )
        return AsyncRunHandle(self._calls, self._do, accepted["run_id"], accepted)

    def handle(self, run_id: str) -> AsyncRunHandle:
        """A run that was submitted earlier; nothing is asked."""
        return AsyncRunHandle(self._calls, self._do, run_id)

    async def runs(
        self,
        *,
        model: str = "",
        state: str = "",
        since: str | float = "",
        until: str | float = "",
        limit: int = 50,
        cursor: str = "",
    ) -> dict[str, Any]:
        """As `Client.runs`."""
        steps = self._calls.runs(model=model, state=state, since=since, until=until, limit=limit, cursor=cursor)
        return await self._do(steps)

    async def run(self, run_id: str, wait: float = 0) -> dict[str, Any]:
        """As `Client.run`."""
        return await self._do(self._calls.run(run_id, wait))

    async def result(self, run_id: str) -> Any:
        """As `Client.result`."""
        return await self._do(self._calls.result(run_id))

    async def cancel_run(self, run_id: str) -> dict[str, Any]:
        """As `Client.cancel_run`."""
        return await self._do(self._calls.cancel(run_id))

    async def _do(self, steps: Steps[Result]) -> Result:
        return await perform_async(self._http, steps)
