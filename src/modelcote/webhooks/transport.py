"""One attempt to deliver: a POST to a checked address that ends in time, whatever the other side does.

Below is httpcore with a network of our own, not an httpx client: an httpx client parses the URL a second time, keeps
cookies, prepares redirects and logs the whole URL. Here the parts that the guard checked are the parts that are sent,
and none of the rest exists.
"""
# ruff: noqa: ARG002  (httpcore's interface has arguments that the bounds of one attempt replace)

from __future__ import annotations

import base64
import contextlib
import os
import queue
import re
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import certifi
import httpcore

from modelcote.core.errors import Invalid
from modelcote.webhooks.guard import Allowed, Blocked, GetAddrInfo, Target, check_url, resolve

USER_AGENT = "modelcote-webhooks/1"

ErrorCode = Literal[
    "invalid_url",
    "blocked_address",
    "dns",
    "connect_timeout",
    "connection",
    "tls",
    "timeout",
    "protocol",
    "too_large",
    "client_certificate",
]
"""Why an attempt has no whole answer.

invalid_url: the URL is against the syntax rules (they may have become stricter since it was registered).
blocked_address: the name leads to an address that is not called.
dns: the name has no address, or none came in time. connect_timeout: no connection with its TLS in `connect_s`.
connection: refused, reset or closed before an answer. tls: a certificate that is not valid for the name or not
trusted, no common version, or no client certificate that the receiver takes. timeout: no whole answer in `total_s`.
protocol: what came is no whole HTTP/1.1 answer. too_large: `read_bytes` were read, and there was no status yet.
client_certificate: our own certificate and key could not be loaded.
"""

_MAX_ADDRESSES = 3  # Each gets an equal share of what is left to connect.
_SECONDS = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,9})?", re.ASCII)
_MAX_RETRY_AFTER_S = 1e9


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is posted to `url`.

    `headers` are sent besides our own (Host, Content-Length, User-Agent, Accept-Encoding, Connection and, with
    `basic`, Authorization), which win. `client_certificate` is a PEM chain and its PEM key, `basic` a user name and a
    password.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    client_certificate: tuple[str, str] | None = field(default=None, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt may take.

    `connect_s`: seconds for the name, the connection and its TLS; `total_s`: seconds for everything. `read_bytes`: how
    much of the answer, headers included, is read; `kept_bytes`: how much of its body is kept. `ca`: a PEM file with
    the only authorities trusted, for a private network; by default those of Mozilla's list (certifi).
    """

    connect_s: float = 5.0
    total_s: float = 15.0
    read_bytes: int = 65_536
    kept_bytes: int = 4_096
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What came of an attempt.

    `status` is the HTTP status where one came, even if `error` says that the rest did not. `retry_after_s` is the
    header Retry-After in seconds from now, 0 where it is in the past. `body` is its beginning, undecoded. `took_ms`
    is the time of the whole attempt.
    """

    status: int | None
    retry_after_s: float | None
    body: bytes
    error: ErrorCode | None
    took_ms: float

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it: a 2xx status, and nothing wrong before the answer's end."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


class _Failed(Exception):
    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code)
        self.code = code


class _ReadEnough(Exception):
    """The other side has sent as much as is read."""


@dataclass(slots=True)
class _Answer:
    status: int | None = None
    retry_after_s: float | None = None
    body: bytearray = field(default_factory=bytearray)


def deliver(
    outgoing: Outgoing,
    allowed: Allowed,
    limits: Limits | None = None,
    getaddrinfo: GetAddrInfo = socket.getaddrinfo,
) -> Received:
    """One attempt; never raises for anything that the other side, its name server or the URL does.

    The URL is checked again, the name resolved once, and the connection made to an address that was checked, while
    SNI, Host and the certificate are those of the name. A redirect is a status like any other. An answer longer than
    `read_bytes` counts by its status.
    """
    limits = limits or Limits()
    started = time.monotonic()
    answer = _Answer()
    error: ErrorCode | None = None
    try:
        _attempt(outgoing, allowed, limits, getaddrinfo, started, answer)
    except _ReadEnough:
        error = "too_large" if answer.status is None else None
    except _Failed as failed:
        error = failed.code
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as failed:
        error = _code_of(failed)
    took_ms = (time.monotonic() - started) * 1_000
    return Received(answer.status, answer.retry_after_s, bytes(answer.body), error, took_ms)


def _attempt(
    outgoing: Outgoing, allowed: Allowed, limits: Limits, getaddrinfo: GetAddrInfo, started: float, answer: _Answer
) -> None:
    try:
        target = check_url(outgoing.url, allowed)
    except Invalid as error:
        raise _Failed("invalid_url") from error
    total_at = started + limits.total_s
    connect_at = min(started + limits.connect_s, total_at)
    context = _tls(limits.ca, outgoing.client_certificate) if target.scheme == "https" else None
    addresses = _resolve_in_time(target, allowed, getaddrinfo, connect_at)
    network = _Network(target, addresses[:_MAX_ADDRESSES], _Bounds(connect_at, total_at, limits.read_bytes))
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path_query)
    pool = httpcore.ConnectionPool(ssl_context=context, max_connections=1, retries=0, network_backend=network)
    with pool, pool.stream("POST", url, headers=_headers(outgoing, target), content=outgoing.body) as response:
        answer.status = response.status
        answer.retry_after_s = _retry_after(response.headers, datetime.now(UTC))
        for piece in response.iter_stream():
            answer.body += piece[: limits.kept_bytes - len(answer.body)]


def _code_of(error: Exception) -> ErrorCode:
    if isinstance(error, httpcore.ConnectTimeout):
        return "connect_timeout"
    if isinstance(error, httpcore.TimeoutException):
        return "timeout"
    # httpcore's pool drops the cause of an error, but its errors have it as their argument, and so have ours.
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLError):
        return "tls"
    # A protocol error without a cause is httpcore's own: closed before anything came.
    return "protocol" if isinstance(error, httpcore.ProtocolError) and isinstance(cause, Exception) else "connection"


def _headers(outgoing: Outgoing, target: Target) -> list[tuple[str, str]]:
    host = f"[{target.host}]" if ":" in target.host else target.host
    ours = {
        "host": host if target.port == {"https": 443, "http": 80}[target.scheme] else f"{host}:{target.port}",
        "content-length": str(len(outgoing.body)),
        "user-agent": USER_AGENT,
        "accept-encoding": "identity",
        "connection": "close",
    }
    if outgoing.basic:
        ours["authorization"] = "Basic " + base64.b64encode(":".join(outgoing.basic).encode()).decode()
    return list(({name.lower(): value for name, value in outgoing.headers.items()} | ours).items())


def _retry_after(headers: Iterable[tuple[bytes, bytes]], now: datetime) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date; `None` where there is none that can be read."""
    text = next((value.decode("latin-1").strip() for name, value in headers if name.lower() == b"retry-after"), "")
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            date = parsedate_to_datetime(text)
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def _resolve_in_time(target: Target, allowed: Allowed, getaddrinfo: GetAddrInfo, until: float) -> list[str]:
    """`resolve`, given up at the monotonic time `until`: a look-up cannot be ended, only left behind."""
    outcomes: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            outcomes.put(resolve(target, allowed, getaddrinfo))
        except Exception as error:
            outcomes.put(error)

    threading.Thread(target=look_up, name="webhook-dns", daemon=True).start()
    try:
        outcome = outcomes.get(timeout=max(until - time.monotonic(), 0.0))
    except queue.Empty:
        raise _Failed("dns") from None
    match outcome:
        case Blocked():
            raise _Failed("blocked_address") from outcome
        case Exception():
            raise _Failed("dns") from outcome
    return outcome


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Monotonic times, and the bytes that are read at most."""

    connect_at: float
    total_at: float
    read_bytes: int


class _Network(httpcore.NetworkBackend):
    """Connects to the checked addresses, whatever it is asked for."""

    def __init__(self, target: Target, addresses: list[str], bounds: _Bounds) -> None:
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
            raise httpcore.ConnectError("Only the checked target is connected to.")
        failure: Exception = httpcore.ConnectTimeout("no address was tried in time")
        for tried, address in enumerate(self._addresses):
            left_s = _left(self._bounds.connect_at, httpcore.ConnectTimeout) / (len(self._addresses) - tried)
            try:
                # An address and no name: this looks nothing up.
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
    """A socket on which every wait ends with the attempt, however little came in between."""

    def __init__(self, connection: socket.socket, bounds: _Bounds) -> None:
        self._socket = connection
        self._bounds = bounds
        self._read = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        most = min(max_bytes, self._bounds.read_bytes - self._read)
        if most <= 0:
            raise _ReadEnough
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


def _tls(ca: Path | None, client_certificate: tuple[str, str] | None) -> ssl.SSLContext:
    if client_certificate is None:
        return _plain_tls(ca)
    context = _new_tls(ca)
    try:
        _load(context, *client_certificate)
    except (OSError, ValueError) as error:
        raise _Failed("client_certificate") from error
    return context


def _new_tls(ca: Path | None) -> ssl.SSLContext:
    # Not `ssl.create_default_context`, which takes authorities and a key log from the environment.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca or certifi.where())
    return context


_plain_tls = lru_cache(maxsize=4)(_new_tls)


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Loads a PEM certificate and key, which the ssl module takes from a file only, through one in memory."""
    pem = f"{certificate}\n{key}\n".encode()
    if not hasattr(os, "memfd_create"):  # not Linux
        _load_from_disk(context, pem)
        return
    descriptor = os.memfd_create("client-certificate")
    with open(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        _load_path(context, f"/proc/self/fd/{descriptor}")


def _load_from_disk(context: ssl.SSLContext, pem: bytes) -> None:
    descriptor, path = tempfile.mkstemp()  # readable by this user alone
    try:
        with open(descriptor, "wb") as file:
            file.write(pem)
        _load_path(context, path)
    finally:
        os.unlink(path)


def _load_path(context: ssl.SSLContext, path: str) -> None:
    # With a password given, OpenSSL never asks the terminal for one.
    context.load_cert_chain(path, password="")
