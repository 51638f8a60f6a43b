"""What an attempt never connects to, whatever a URL, a name server or a redirect says."""

from __future__ import annotations

import socket
import sys
import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from modelcote.webhooks import sockets, transport
from modelcote.webhooks.guard import Allowed, Target
from modelcote.webhooks.transport import Limits
from tests.support.authority import Authority
from tests.support.bad_urls import BAD_URLS
from tests.support.receivers import Receiver, raw, redirect
from tests.unit.webhooks.sending import NAME, Resolver, local, post, send


@pytest.mark.parametrize("allowed", [Allowed(), Allowed(ports=frozenset({443, 8443}))], ids=["default", "ports"])
def test_bad_urls_are_refused_when_sent(allowed: Allowed, trap: Receiver) -> None:
    for url, why in ((url, why) for url, why in BAD_URLS if "8443" not in url):
        received = send(url, allowed=allowed, getaddrinfo=(resolver := Resolver()))
        assert (received.error, received.status, resolver.asked) == ("invalid_url", None, []), (ascii(url), why)


def test_bad_urls_at_the_traps_own_port(trap: Receiver) -> None:
    """With every other rule relaxed that would keep the connection from the trap."""
    allowed = Allowed(ports=frozenset({443, trap.port}))
    hosts = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
    for host in [*hosts, "１２７.0.0.1", "127。0。0。1", "a@127.0.0.1", "x.localhost", "127.0.0.1."]:
        assert send(f"https://{host}:{trap.port}/", allowed=allowed).error == "invalid_url", host


@pytest.mark.parametrize("addresses", [
    ["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["0.0.0.0"], ["10.0.0.1"], ["169.254.169.254"], ["no address"],
    ["1.1.1.1", "127.0.0.1"], ["127.0.0.1", "1.1.1.1"], ["1.1.1.1", "1.0.0.1", "8.8.8.8", "::1"],
], ids=str)  # fmt: skip
def test_names_that_lead_inside(addresses: list[str], trap: Receiver) -> None:
    allowed = Allowed(http=True, ports=frozenset({trap.port}))
    received = send(trap.url_of(NAME), allowed=allowed, getaddrinfo=Resolver(addresses))
    assert (received.error, received.status) == ("blocked_address", None)


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of its own on Linux only")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_second_answer_of_a_rebinding_name_is_never_asked_for(
    scheme: str, authority: Authority, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = authority.server(NAME) if scheme == "https" else None
    resolver = Resolver(["127.0.0.1"], ["127.0.0.2"])
    real = socket.getaddrinfo

    def everywhere(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        return resolver(host, port) if host == NAME else real(host, port, *rest, **more)

    # A second look-up of the name, by any way, leads into the trap.
    monkeypatch.setattr(socket, "getaddrinfo", everywhere)
    with Receiver(tls=tls) as receiver, Receiver(tls=tls, host="127.0.0.2", port=receiver.port) as rebound:
        allowed = local(receiver, blocked=(ip_network("127.0.0.2/32"),))
        limits = Limits(ca=ca)
        received = send(receiver.url_of(NAME), limits, allowed, getaddrinfo=socket.getaddrinfo)
        assert (received.status, received.error, resolver.asked) == (200, None, [NAME])
        again = send(receiver.url_of(NAME), limits, allowed, getaddrinfo=socket.getaddrinfo)
        assert (again.status, again.error) == (None, "blocked_address")
        assert rebound.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int, trap: Receiver) -> None:
    with Receiver(lambda _: redirect(trap.url, status)) as receiver:
        received = send(receiver.url)
    assert (received.status, received.error, received.delivered) == (status, None, False)
    assert len(receiver.seen) == 1


def test_a_redirect_to_any_bad_url_is_a_failed_attempt(trap: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Mock(wraps=socket.create_connection)
    monkeypatch.setattr(socket, "create_connection", connect)
    locations = [url.encode("utf-8", "replace").split(b"\r")[0].split(b"\n")[0] for url, _ in BAD_URLS]
    locations.append(trap.url.encode())
    head, left = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ", iter(locations)
    with Receiver(lambda _: raw(head + next(left)[:4_000] + b"\r\n\r\n")) as receiver:
        for location in locations:
            assert not send(receiver.url).delivered, location
        assert next(left, None) is None
        assert {call.args[0] for call in connect.call_args_list} == {("127.0.0.1", receiver.port)}
    assert len(locations) > 200


@pytest.mark.parametrize("location", ["", "http://[", "//", "\x80", "http://a:b:c/", "http://" + "a" * 70_000])
def test_a_redirect_to_nowhere_is_a_status(location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    with Receiver(lambda _: raw(head)) as receiver:
        received = post(receiver, Limits(read_bytes=90_000))
    assert (received.status, received.error) == (302, None)


def test_another_target_is_never_connected_to(trap: Receiver) -> None:
    bounds = sockets.Bounds(time.monotonic() + 1, time.monotonic() + 1, 9)
    network = sockets.BoundedNetwork(Target("http", NAME, 80, "/", ""), ["127.0.0.1"], bounds)
    with pytest.raises(transport.httpcore.ConnectError):
        network.connect_tcp("127.0.0.1", trap.port)
