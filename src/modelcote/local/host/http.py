"""HTTP/1.1 as the function host needs it: small requests with a content length on kept-alive loopback sockets.

Written on asyncio's protocols because every prediction passes the host twice: parsing and
answering cost about 30 µs here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

MAX_HEAD = 64 * 1024
# Far above Lambda's own 6 MB, so that the API can answer with an error instead of a closed socket.
MAX_BODY = 128 * 1024 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class Request:
    """A request with lower-case header names; `target` is the path with its query as it was sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    def query(self, name: str) -> str:
        return parse_qs(urlsplit(self.target).query).get(name, [""])[0]


class Connection(asyncio.Protocol):
    """One connection; a subclass answers each `on_request` with one `send`, at once or later."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        # Without it the kernel holds back the second small write of an answer for up to 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._advance()

    def on_request(self, request: Request) -> None:
        raise NotImplementedError

    def send(self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Answer the request in hand; nothing happens when the peer has gone."""
        self._answering = False
        if self.transport is None:
            return
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode("latin-1") + body)
        self._advance()

    def keep_waiting(self) -> None:
        """Send an interim answer: the peer's read timer starts again."""
        if self.transport is not None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _advance(self) -> None:
        if self._answering:
            return
        request = self._next_request()
        if request is not None:
            self._answering = True
            self.on_request(request)

    def _next_request(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                self._refuse(431)
            return None
        line, *fields = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length, words = headers.get("content-length", "0"), line.split(" ")
        if len(words) != 3 or not length.isdecimal() or "transfer-encoding" in headers:
            self._refuse(400)
            return None
        if int(length) > MAX_BODY:
            self._refuse(413)
            return None
        whole = end + 4 + int(length)
        if len(self._buffer) < whole:
            if headers.get("expect", "").lower() == "100-continue" and len(self._buffer) == end + 4:
                self.keep_waiting()
            return None
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        return Request(words[0], words[1], headers, body)

    def _refuse(self, status: int) -> None:
        self._buffer.clear()
        self.send(status, (("Connection", "close"),))
        if self.transport is not None:
            self.transport.close()
