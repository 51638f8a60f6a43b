"""The sockets of one attempt: only to checked addresses, and every wait ends in time."""
# ruff: noqa: ARG002  (httpcore's interface has arguments that the bounds of one attempt replace)

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore

from modelcote.webhooks.guard import Target


class ReadEnough(Exception):
    """As much of the answer as is ever read has arrived."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Deadlines on the monotonic clock, and the most bytes that are read."""

    connect_at: float
    total_at: float
    read_bytes: int


class BoundedNetwork(httpcore.NetworkBackend):
    """Connects to the checked addresses only."""

    def __init__(self, target: Target, addresses: list[str], bounds: Bounds) -> None:
        self._target = target
        self._addresses = addresses
        self._bounds = bounds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        if (host, port) != (self._target.host, self._target.port):
            raise httpcore.ConnectError("Only the checked target may be connected to.")
        failure: Exception = httpcore.ConnectTimeout("no address was tried in time")
        for index, address in enumerate(self._addresses):
            left_s = _left(self._bounds.connect_at, httpcore.ConnectTimeout) / (len(self._addresses) - index)
            try:
                # An address, so nothing is looked up.
                connection = socket.create_connection((address, port), timeout=left_s)
            except TimeoutError as error:
                failure = httpcore.ConnectTimeout(error)
            except OSError as error:
                failure = httpcore.ConnectError(error)
            else:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _Stream(connection, self._bounds)
        raise failure


class _Stream(httpcore.NetworkStream):
    """A socket on which every wait ends with the attempt, however slowly bytes arrive."""

    def __init__(self, connection: socket.socket, bounds: Bounds) -> None:
        self._socket = connection
        self._bounds = bounds
        self._read = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        most = min(max_bytes, self._bounds.read_bytes - self._read)
        if most <= 0:
            raise ReadEnough
        with _mapped(httpcore.ReadTimeout, httpcore.ReadError):
            self._socket.settimeout(_left(self._bounds.total_at, httpcore.ReadTimeout))
            data = self._socket.recv(most)
        self._read += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        with _mapped(httpcore.WriteTimeout, httpcore.WriteError):
            while rest:
                self._socket.settimeout(_left(self._bounds.total_at, httpcore.WriteTimeout))
                rest = rest[self._socket.send(rest) :]

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._socket.settimeout(_left(self._bounds.connect_at, httpcore.ConnectTimeout))
                return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._bounds)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket):
            return self._socket
        return None


@contextlib.contextmanager
def _mapped(timeout: type[Exception], other: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise timeout(error) from error
    except OSError as error:  # ssl.SSLError is one
        raise other(error) from error


def _left(until: float, late: type[Exception]) -> float:
    left_s = until - time.monotonic()
    if left_s <= 0:
        raise late("the time is over")
    return left_s
