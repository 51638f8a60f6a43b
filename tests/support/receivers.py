"""Receivers of webhooks on 127.0.0.1, well behaved and not, over HTTP and over TLS with an authority of their own.

`with Receiver(behave) as receiver:` listens on a free port, answers each request with the action that
`behave(seen)` chooses, and keeps what it saw in `receiver.seen`; `receiver.connections` counts what was accepted,
before any byte. An action is a function of the connection and an event that is set when the receiver stops.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    """One request. `headers` has names in lower case; `peer_certificate` is the client's, in DER."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer_certificate: bytes | None


Action = Callable[[socket.socket, threading.Event], None]


def answer(status: int = 200, headers: Iterable[tuple[str, str]] = (), body: bytes = b"ok") -> Action:
    """A whole answer with its length."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return raw(f"HTTP/1.1 {status} Some\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def redirect(location: str, status: int = 302) -> Action:
    """A redirect."""
    return answer(status, [("Location", location)], b"")


def raw(data: bytes) -> Action:
    """These very bytes, and the end of the connection."""
    return lambda connection, _: connection.sendall(data)


def hang(first: bytes = b"") -> Action:
    """These bytes, and nothing more until the receiver stops."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(first)
        stopped.wait(60)

    return act


def drip(data: bytes, every_s: float = 0.02) -> Action:
    """These bytes one at a time, and then the last one for ever."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        at = 0
        while not stopped.wait(every_s):
            connection.sendall(data[at : at + 1])
            at = min(at + 1, len(data) - 1)

    return act


def reset(first: bytes = b"") -> Action:
    """These bytes, and the connection torn down with RST."""

    def act(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(first)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return act


def endless(head: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n") -> Action:
    """A head, and then as many zeros as the other side takes."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(head)
        while not stopped.is_set():
            connection.sendall(bytes(65_536))

    return act


class Receiver:
    """A server of one request per connection, each in a thread of its own."""

    def __init__(
        self,
        behave: Callable[[Seen], Action] = lambda _: answer(),
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.host = host
        self.port = port
        self._behave = behave
        self._tls = tls
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return self.url_of(self.host)

    def url_of(self, name: str, path: str = "/hook") -> str:
        """The URL of this receiver under a name."""
        return f"{'https' if self._tls else 'http'}://{name}:{self.port}{path}"

    def __enter__(self) -> Receiver:
        self._listener = socket.create_server((self.host, self.port))
        self._listener.settimeout(0.02)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in list(self._threads):
            thread.join(10)
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                with self._lock:
                    self.connections += 1
                connection.settimeout(5)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # What a hostile action, or a client that has gone, causes here does not fail a test.
        with contextlib.suppress(OSError):
            try:
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                seen = self._receive(connection)
                if seen:
                    with self._lock:
                        self.seen.append(seen)
                    self._behave(seen)(connection, self._stopped)
            finally:
                connection.close()

    def _receive(self, connection: socket.socket) -> Seen | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self._piece(connection)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            piece = self._piece(connection)
            if not piece:
                return None
            body += piece
        method, path, _ = first.split(" ")
        peer = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
        return Seen(method, path, headers, body, peer)

    def _piece(self, connection: socket.socket) -> bytes:
        connection.settimeout(0.1)
        for _ in range(100):
            if self._stopped.is_set():
                break
            with contextlib.suppress(TimeoutError):
                return connection.recv(65_536)
        return b""
