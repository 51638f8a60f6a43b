"""One attempt to deliver: a POST to a checked address that ends in time, whatever the receiver does.

It uses httpcore with sockets of our own, not an httpx client, which would parse the URL a second time, keep cookies,
prepare redirects and log the whole URL. Here the parts that the guard checked are the parts that are sent.
"""

from __future__ import annotations

import base64
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import httpcore

from modelcote.core.errors import Invalid
from modelcote.webhooks.guard import Allowed, Blocked, GetAddrInfo, Target, check_url, resolve
from modelcote.webhooks.sockets import BoundedNetwork, Bounds, ReadEnough
from modelcote.webhooks.tls import UnusableCertificate, tls_context

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
"""Why an attempt has no complete answer.

invalid_url: the URL breaks the syntax rules (they may have become stricter since it was registered).
blocked_address: the name resolves to an address that must not be called.
dns: the name has no address, or none was found in time. connect_timeout: no connection with TLS in `connect_s`.
connection: refused, reset or closed before an answer. tls: a certificate that is not valid for the name or not
trusted, no common version, or no client certificate that the receiver accepts. timeout: no complete answer in
`total_s`. protocol: not a complete HTTP/1.1 answer. too_large: `read_bytes` were read without a status.
client_certificate: our own certificate and key could not be loaded.
"""

_MAX_ADDRESSES = 3  # Each gets an equal share of the time left to connect.
_SECONDS = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,9})?", re.ASCII)
_MAX_RETRY_AFTER_S = 1e9


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to `url`.

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
    """The limits of one attempt.

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
    """The outcome of an attempt.

    `status` is the HTTP status if one arrived, even if `error` says that the rest did not. `retry_after_s` is the
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
        """Whether the receiver accepted it: a 2xx status, and no error before the answer's end."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


class _Failed(Exception):
    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code)
        self.code = code


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
    """Make one attempt. Never raise for anything that the receiver, its name server or the URL does.

    The URL is checked again, the name resolved once, and the connection made to an address that was checked, while
    SNI, Host and the certificate are those of the name. A redirect is a status like any other. An answer longer than
    `read_bytes` is judged by its status.
    """
    limits = limits or Limits()
    started = time.monotonic()
    answer = _Answer()
    error: ErrorCode | None = None
    try:
        _attempt(outgoing, allowed, limits, getaddrinfo, started, answer)
    except ReadEnough:
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
    try:
        context = tls_context(limits.ca, outgoing.client_certificate) if target.scheme == "https" else None
    except UnusableCertificate as error:
        raise _Failed("client_certificate") from error
    addresses = _resolve_in_time(target, allowed, getaddrinfo, connect_at)
    network = BoundedNetwork(target, addresses[:_MAX_ADDRESSES], Bounds(connect_at, total_at, limits.read_bytes))
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
    # httpcore's pool drops the cause of an error, but its errors, and ours, have it as their argument.
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLError):
        return "tls"
    # A protocol error without a cause is httpcore's own: closed before anything arrived.
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
    """Return the seconds of a Retry-After, a number or a date (RFC 9110, 10.2.3); `None` without a valid one."""
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
    """Call `resolve` until the monotonic time `until`; a look-up cannot be stopped, only abandoned."""
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
