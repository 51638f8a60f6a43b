"""One attempt against real receivers, good and hostile, and what it never reaches."""

from __future__ import annotations

import base64
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcote.webhooks import sockets, tls, transport
from modelcote.webhooks.guard import Allowed
from modelcote.webhooks.transport import Limits, Outgoing, Received, deliver
from tests.support.bad_urls import BAD_URLS
from tests.support.receivers import (
    Action,
    Authority,
    Receiver,
    answer,
    der,
    drip,
    endless,
    hang,
    raw,
    redirect,
    reset,
)

NAME = "hooks.example.com"
SHORT = Limits(connect_s=0.4, total_s=0.6)
BODY = b'{"type":"run.completed"}'


class Resolver:
    """A name server: answers each look-up with the next list of addresses, and the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = answers or (["127.0.0.1"],)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        addresses = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


def local(*receivers: Receiver, **more: Any) -> Allowed:
    """What reaches these receivers under any name."""
    return Allowed(http=True, loopback=True, ports=frozenset(each.port for each in receivers), **more)


def post(receiver: Receiver, limits: Limits = SHORT, name: str = NAME, **more: Any) -> Received:
    outgoing = Outgoing(receiver.url_of(name), {"content-type": "application/json"}, BODY, **more)
    return deliver(outgoing, local(receiver), limits, Resolver())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def ca(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.write_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def trap() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
        time.sleep(0.05)  # A connection made at the very end is counted too.
        assert receiver.connections == 0


def test_what_is_sent() -> None:
    with Receiver() as receiver:
        outgoing = Outgoing(receiver.url_of(NAME, "/a/../b?c=d"), {"Webhook-Id": "msg_1", "host": "evil"}, BODY)
        received = deliver(outgoing, local(receiver), SHORT, Resolver())
    assert (received.status, received.error, received.body, received.delivered) == (200, None, b"ok", True)
    assert received.took_ms > 0
    (seen,) = receiver.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/a/../b?c=d", BODY)
    assert seen.headers == {
        "host": f"{NAME}:{receiver.port}",
        "webhook-id": "msg_1",
        "content-length": str(len(BODY)),
        "user-agent": "modelcote-webhooks/1",
        "accept-encoding": "identity",
        "connection": "close",
    }


def test_basic() -> None:
    with Receiver() as receiver:
        post(receiver, basic=("zoë", "pass:wörd"))
    scheme, _, text = receiver.seen[0].headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(text).decode()) == ("Basic", "zoë:pass:wörd")


def test_a_large_body_arrives_whole() -> None:
    body = os.urandom(1_000_000)
    with Receiver() as receiver:
        received = deliver(Outgoing(receiver.url, {}, body), local(receiver), Limits(), Resolver())
    assert received.delivered
    assert receiver.seen[0].body == body


def test_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch, trap: Receiver, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, trap.url)
        monkeypatch.setenv(name.lower(), trap.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {NAME} login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Receiver() as receiver:
        assert post(receiver).delivered
    assert "authorization" not in receiver.seen[0].headers


@pytest.mark.parametrize("status", [200, 201, 204, 299, 300, 304, 400, 404, 410, 429, 500, 503])
def test_statuses(status: int) -> None:
    with Receiver(lambda _: answer(status, body=b"")) as receiver:
        received = post(receiver)
    assert (received.status, received.error, received.delivered) == (status, None, status < 300)


def test_the_beginning_of_the_body_is_kept() -> None:
    with Receiver(lambda _: answer(500, body=b"x" * 10_000)) as receiver:
        assert post(receiver).body == b"x" * 4_096
        assert post(receiver, Limits(kept_bytes=3)).body == b"xxx"


def test_a_compressed_answer_stays_compressed() -> None:
    with Receiver(lambda _: answer(200, [("Content-Encoding", "gzip")], b"\x1f\x8b bomb")) as receiver:
        assert post(receiver).body == b"\x1f\x8b bomb"


# What the guard keeps from being reached


@pytest.mark.parametrize("allowed", [Allowed(), Allowed(ports=frozenset({443, 8443}))], ids=["default", "ports"])
def test_bad_urls_are_refused_when_sent(allowed: Allowed, trap: Receiver) -> None:
    for url, why in BAD_URLS:
        if "8443" in url:
            continue
        resolver = Resolver()
        received = deliver(Outgoing(url, {}, BODY), allowed, SHORT, resolver)
        assert (received.error, received.status, resolver.asked) == ("invalid_url", None, []), (ascii(url), why)


def test_bad_urls_at_the_traps_own_port(trap: Receiver) -> None:
    """With every other rule relaxed that would keep the connection from the trap."""
    allowed = Allowed(ports=frozenset({443, trap.port}))
    hosts = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
    for host in [*hosts, "１２７.0.0.1", "127。0。0。1", "a@127.0.0.1", "x.localhost", "127.0.0.1."]:
        received = deliver(Outgoing(f"https://{host}:{trap.port}/", {}, BODY), allowed, SHORT)
        assert received.error == "invalid_url", host


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["0.0.0.0"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["1.1.1.1", "127.0.0.1"],
        ["127.0.0.1", "1.1.1.1"],
        ["1.1.1.1", "1.0.0.1", "8.8.8.8", "::1"],
        ["no address"],
    ],
    ids=str,
)
def test_names_that_lead_inside(addresses: list[str], trap: Receiver) -> None:
    allowed = Allowed(http=True, ports=frozenset({trap.port}))
    received = deliver(Outgoing(trap.url_of(NAME), {}, BODY), allowed, SHORT, Resolver(addresses))
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

    # Whoever looks the name up once more, by whatever way, is led to the trap.
    monkeypatch.setattr(socket, "getaddrinfo", everywhere)
    with Receiver(tls=tls) as receiver, Receiver(tls=tls, host="127.0.0.2", port=receiver.port) as rebound:
        allowed = local(receiver, blocked=(ip_network("127.0.0.2/32"),))
        limits = Limits(ca=ca)
        received = deliver(Outgoing(receiver.url_of(NAME), {}, BODY), allowed, limits, socket.getaddrinfo)
        assert (received.status, received.error) == (200, None)
        assert resolver.asked == [NAME]
        again = deliver(Outgoing(receiver.url_of(NAME), {}, BODY), allowed, limits, socket.getaddrinfo)
        assert (again.status, again.error) == (None, "blocked_address")
        assert rebound.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int, trap: Receiver) -> None:
    with Receiver(lambda _: redirect(trap.url, status)) as receiver:
        received = deliver(Outgoing(receiver.url, {}, BODY), local(receiver, trap), SHORT, Resolver())
    assert (received.status, received.error, received.delivered) == (status, None, False)
    assert len(receiver.seen) == 1


def test_a_redirect_to_any_bad_url_is_a_failed_attempt(trap: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[Any] = []
    connect = socket.create_connection

    def noted(address: Any, *rest: Any, **more: Any) -> Any:
        connected.append(address)
        return connect(address, *rest, **more)

    monkeypatch.setattr(socket, "create_connection", noted)
    locations = [url.encode("utf-8", "replace").split(b"\r")[0].split(b"\n")[0] for url, _ in BAD_URLS]
    locations.append(trap.url.encode())
    asked: list[int] = []

    def next_redirect(_: Any) -> Action:
        head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
        return raw(head + locations[len(asked) - 1][:4_000] + b"\r\n\r\n")

    with Receiver(next_redirect) as receiver:
        for number in range(len(locations)):
            asked.append(number)
            received = deliver(Outgoing(receiver.url, {}, BODY), local(receiver, trap), SHORT, Resolver())
            assert not received.delivered, locations[number]
        assert set(connected) == {("127.0.0.1", receiver.port)}
    assert len(locations) > 200


@pytest.mark.parametrize("location", ["", "http://[", "//", "\x80", "http://a:b:c/", "http://" + "a" * 70_000])
def test_a_redirect_to_nowhere_is_a_status(location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    with Receiver(lambda _: raw(head)) as receiver:
        received = post(receiver, Limits(read_bytes=90_000))
    assert (received.status, received.error) == (302, None)


def test_another_target_is_never_connected_to(trap: Receiver) -> None:
    from modelcote.webhooks.guard import Target

    network = sockets.BoundedNetwork(
        Target("http", NAME, 80, "/", ""),
        ["127.0.0.1"],
        sockets.Bounds(time.monotonic() + 1, time.monotonic() + 1, 9),
    )
    with pytest.raises(transport.httpcore.ConnectError):
        network.connect_tcp("127.0.0.1", trap.port)


# TLS


def test_the_certificate_is_of_the_name(authority: Authority, ca: Path) -> None:
    with Receiver(tls=authority.server(NAME)) as receiver:
        assert post(receiver, Limits(ca=ca)).status == 200
        wrong_name = post(receiver, Limits(ca=ca), name="other.example.com")
        assert (wrong_name.status, wrong_name.error) == (None, "tls")
        unknown_authority = post(receiver, Limits())
        assert (unknown_authority.status, unknown_authority.error) == (None, "tls")
    assert [seen.headers["host"] for seen in receiver.seen] == [f"{NAME}:{receiver.port}"]


def test_a_certificate_of_the_address_is_not_of_the_name(authority: Authority, ca: Path) -> None:
    with Receiver(tls=authority.server("127.0.0.1")) as receiver:
        assert post(receiver, Limits(ca=ca)).error == "tls"
        assert post(receiver, Limits(ca=ca), name="127.0.0.1").status == 200


def test_the_name_is_asked_for_in_sni(authority: Authority, ca: Path) -> None:
    asked: list[str | None] = []
    tls = authority.server(NAME)
    tls.sni_callback = lambda _, name, __: asked.append(name)
    with Receiver(tls=tls) as receiver:
        assert post(receiver, Limits(ca=ca)).delivered
    assert asked == [NAME]


def test_an_expired_certificate(authority: Authority, ca: Path) -> None:
    with Receiver(tls=authority.server(NAME, expired=True)) as receiver:
        assert post(receiver, Limits(ca=ca)).error == "tls"
    assert receiver.seen == []


def test_old_tls_is_refused(ca: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import ssl

    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = tls._new_tls(ca)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.keylog_filename is None


def test_http_where_tls_is_expected_and_the_reverse(authority: Authority, ca: Path) -> None:
    with Receiver(tls=authority.server(NAME)) as receiver:
        url = receiver.url_of(NAME).replace("https:", "http:")
        received = deliver(Outgoing(url, {}, BODY), local(receiver), SHORT, Resolver())
        assert received.error in {"connection", "protocol"}
    with Receiver() as silent:
        url = silent.url_of(NAME).replace("http:", "https:")
        received = deliver(Outgoing(url, {}, BODY), local(silent), SHORT, Resolver())
        assert received.error == "connect_timeout"


@pytest.mark.parametrize("from_disk", [False, True])
def test_a_client_certificate(
    from_disk: bool, authority: Authority, ca: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if from_disk:
        monkeypatch.delattr(os, "memfd_create", raising=False)
        monkeypatch.setattr(tls.tempfile, "tempdir", str(tmp_path))
    cert, key = authority.issue("modelcote", client=True)
    with Receiver(tls=authority.server(NAME, ask_client=True)) as receiver:
        received = post(receiver, Limits(ca=ca), client_certificate=(cert, key))
        assert (received.status, received.error) == (200, None)
        without = post(receiver, Limits(ca=ca))
        assert without.status is None
        assert without.error in {"tls", "connection"}
        stranger = Authority("Another authority").issue("modelcote", client=True)
        refused = post(receiver, Limits(ca=ca), client_certificate=stranger)
        assert refused.status is None
        assert refused.error in {"tls", "connection"}
    assert [seen.peer_certificate for seen in receiver.seen] == [der(cert)]
    assert list(tmp_path.iterdir()) == []


def test_a_client_certificate_that_cannot_be_loaded(authority: Authority) -> None:
    cert, _ = authority.issue("modelcote", client=True)
    _, other_key = authority.issue("modelcote", client=True, key="p384")
    for pair in ((cert, other_key), (cert, ""), ("", ""), ("no PEM", "no PEM")):
        with Receiver(tls=authority.server(NAME)) as receiver:
            assert post(receiver, client_certificate=pair).error == "client_certificate"
        assert receiver.connections == 0


# Hostile receivers

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1_000


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    ("action", "status", "error"),
    [
        pytest.param(hang(), None, "timeout", id="silent"),
        pytest.param(hang(b"HTTP/1.1 200 OK\r\n"), None, "timeout", id="silent in the headers"),
        pytest.param(hang(GOOD[:-1]), 200, "timeout", id="silent in the body"),
        pytest.param(drip(GOOD), None, "timeout", id="drips its headers"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n\r\nx", 0.005), 200, "timeout", id="drips its body"),
        pytest.param(drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, 0.001), None, "timeout", id="only 100"),
        pytest.param(reset(), None, "connection", id="resets"),
        pytest.param(reset(GOOD[:20]), None, None, id="resets in the headers"),
        pytest.param(raw(b""), None, "connection", id="closes"),
        pytest.param(raw(GOOD[:20]), None, "connection", id="closes in the headers"),
        pytest.param(raw(GOOD[:-1]), 200, "protocol", id="closes in the body"),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), None, "protocol", id="no HTTP"),
        pytest.param(raw(b"\0" * 100_000), None, None, id="zeros"),
        pytest.param(raw(b"HTTP/1.1 0 x\r\n\r\n"), None, "protocol", id="status 0"),
        pytest.param(raw(b"HTTP/1.1 2000 x\r\n\r\n"), None, "protocol", id="status 2000"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), None, "protocol", id="no length"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\n\r\n"), 200, None, id="no length, closed"),
        pytest.param(raw(b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\nxxx"), None, None, id="upgrades"),
        pytest.param(endless(), 200, None, id="10 GB"),
        pytest.param(endless(b"HTTP/1.1 503 X\r\n\r\n"), 503, None, id="no end"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nX: "), None, None, id="an endless header"),
    ],
)
def test_hostile_receivers(
    secure: bool, action: Action, status: int | None, error: str | None, authority: Authority, ca: Path
) -> None:
    with Receiver(lambda _: action, authority.server(NAME) if secure else None) as receiver:
        received = post(receiver, Limits(connect_s=5, total_s=0.6 if error == "timeout" else 10, ca=ca))
    if error or status:
        assert (received.status, received.error) == (status, error)
    else:
        assert not received.delivered
        assert received.error != "timeout"
    assert len(received.body) <= 4_096


def test_a_receiver_that_reads_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        outgoing = Outgoing(f"http://127.0.0.1:{port}/", {}, bytes(30_000_000))
        received = deliver(outgoing, Allowed(http=True, loopback=True), SHORT)
    assert (received.status, received.error) == (None, "timeout")


def test_a_receiver_that_reads_a_little_at_a_time() -> None:
    stop = threading.Event()

    sipped = 0

    def sip(listener: socket.socket) -> None:
        nonlocal sipped
        connection, _ = listener.accept()
        with connection:
            while not stop.wait(0.02) and (piece := connection.recv(400_000)):
                sipped += len(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=sip, args=(listener,))
        thread.start()
        outgoing = Outgoing(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, bytes(100_000_000))
        received = deliver(outgoing, Allowed(http=True, loopback=True), SHORT)
        stop.set()
        thread.join()
    assert (received.status, received.error) == (None, "timeout")
    assert sipped < 90_000_000


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outgoing = Outgoing(f"http://127.0.0.1:{port}/", {}, BODY)
    assert deliver(outgoing, Allowed(http=True, loopback=True), SHORT).error == "connection"


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of its own on Linux only")
def test_the_next_address_is_tried() -> None:
    with Receiver(host="127.0.0.2") as receiver:
        resolver = Resolver(["127.0.0.1", "127.0.0.2"])
        received = deliver(Outgoing(receiver.url_of(NAME), {}, BODY), local(receiver), SHORT, resolver)
    assert received.delivered


def test_a_name_without_an_address() -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def broken(*_: Any, **__: Any) -> Any:
        raise UnicodeError("label too long")

    for getaddrinfo in (unknown, broken, Resolver([])):
        received = deliver(Outgoing(f"https://{NAME}/", {}, BODY), Allowed(), SHORT, getaddrinfo)
        assert (received.status, received.error) == (None, "dns")


def test_a_name_server_that_hangs() -> None:
    done = threading.Event()

    def hanging(*_: Any, **__: Any) -> Any:
        done.wait(30)
        return []

    received = deliver(Outgoing(f"https://{NAME}/", {}, BODY), Allowed(), Limits(connect_s=0.1), hanging)
    done.set()
    assert (received.status, received.error) == (None, "dns")
    assert received.took_ms < 10_000


# Retry-After


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1.5", 1.5),
        ("99999999999999999999", 1e9),
        ("9" * 5_000, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("١٢", None),
        ("1e3", None),
        ("nan", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(status: int, text: str, seconds: float | None) -> None:
    head = f"HTTP/1.1 {status} X\r\nRetry-After: {text}\r\nContent-Length: 0\r\n\r\n".encode()
    with Receiver(lambda _: raw(head)) as receiver:
        received = post(receiver)
    assert (received.status, received.retry_after_s, received.error) == (status, seconds, None)


def test_retry_after_a_date() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True).encode()
    assert transport._retry_after([(b"RETRY-AFTER", later)], now) == 90.0
    assert transport._retry_after([], now) is None


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ ([+-]\d+|GMT|-0000)"))
def test_any_retry_after_is_read_or_left(text: str) -> None:
    seconds = transport._retry_after([(b"retry-after", text.encode())], datetime(2030, 1, 1, tzinfo=UTC))
    assert seconds is None or 0.0 <= seconds <= 1e9
