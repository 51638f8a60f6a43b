"""An ASGI application as a transport of httpx's ordinary, synchronous client."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx


class AppTransport(httpx.BaseTransport):
    """Each request runs the application in an event loop of its own, as a Lambda function does."""

    def __init__(self, app: Any) -> None:
        self.inner = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._handle(request))

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        asynchronous = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read(), extensions=request.extensions
        )
        answer = await self.inner.handle_async_request(asynchronous)
        body = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)
