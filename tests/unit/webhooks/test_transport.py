"""One attempt against real receivers, good and hostile, and what it never reaches."""

from __future__ import annotations

import base64
import os
import socket
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcote.webhooks import transport
from modelcote.webhooks.guard import Allowed
from modelcote.webhooks.transport import Limits, Outgoing, deliver
from tests.support.authority import Authority
from tests.support.receivers import Action, Receiver, answer, drip, endless, hang, raw, reset
from tests.unit.webhooks.sending import BODY, NAME, SHORT, Resolver, local, post, send


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
        received = send(receiver.url, Limits(), body=body)
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


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_a_receiver_that_reads_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        received = send(url_of(listener), body=bytes(30_000_000))
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
        received = send(url_of(listener), body=bytes(100_000_000))
        stop.set()
        thread.join()
    assert (received.status, received.error) == (None, "timeout")
    assert sipped < 90_000_000


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = url_of(listener)
    assert send(url).error == "connection"


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of its own on Linux only")
def test_the_next_address_is_tried() -> None:
    with Receiver(host="127.0.0.2") as receiver:
        resolver = Resolver(["127.0.0.1", "127.0.0.2"])
        assert send(receiver.url_of(NAME), allowed=local(receiver), getaddrinfo=resolver).delivered


def test_a_name_without_an_address() -> None:
    unknown = Mock(side_effect=socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    for getaddrinfo in (unknown, Mock(side_effect=UnicodeError("label too long")), Resolver([])):
        received = send(f"https://{NAME}/", allowed=Allowed(), getaddrinfo=getaddrinfo)
        assert (received.status, received.error) == (None, "dns")


def test_a_name_server_that_hangs() -> None:
    done = threading.Event()
    hanging = Mock(side_effect=lambda *_, **__: done.wait(30) and [])
    received = send(f"https://{NAME}/", Limits(connect_s=0.1), Allowed(), getaddrinfo=hanging)
    done.set()
    assert (received.status, received.error) == (None, "dns")
    assert received.took_ms < 10_000


@pytest.mark.parametrize(("text", "seconds"), [
    ("120", 120.0), ("0", 0.0), ("-5", 0.0), ("1.5", 1.5), ("99999999999999999999", 1e9), ("9" * 5_000, None),
    ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("", None), ("soon", None), ("١٢", None), ("1e3", None), ("nan", None),
    ("Wed, 99 Oct 2015 07:28:00 GMT", None),
])  # fmt: skip
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
