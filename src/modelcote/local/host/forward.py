"""Passing a request on to the emulator, for the parts of Lambda's API that the host does not answer itself."""

from __future__ import annotations

import asyncio
import http.client
from urllib.parse import urlsplit

from modelcote.local.host.http import Request

_HOP_BY_HOP = frozenset({"connection", "content-length", "host", "transfer-encoding", "expect", "keep-alive"})
_TIMEOUT_S = 905.0  # Lambda's longest call and a little


async def forward(request: Request, emulator: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of the emulator's answer; 503 when it cannot be reached."""
    return await asyncio.to_thread(_exchange, request, urlsplit(emulator).netloc)


def _exchange(request: Request, address: str) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_S)
    headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
    try:
        connection.request(request.method, request.target, request.body, headers)
        response = connection.getresponse()
        headers_back = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
        return response.status, headers_back, response.read()
    except OSError:
        return 503, [("x-amzn-ErrorType", "ServiceException")], b'{"message":"the emulator does not answer"}'
    finally:
        connection.close()
