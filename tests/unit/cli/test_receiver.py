"""`cote webhooks listen`: correctly signed webhooks are accepted, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from modelcote.cli.receiver import BODY_LIMIT, Receiver
from modelcote.core.errors import InvalidSpec
from modelcote.webhooks.sign import new_secret
from tests.support.authority import Authority

SECRET = new_secret()
DATA = {"state": "SUCCEEDED", "result": [[2.0]]}
BODY = json.dumps({"type": "run.succeeded", "timestamp": "2026-01-01T00:00:00.000Z", "data": DATA})


@contextmanager
def listening(**options: Any) -> Iterator[Receiver]:
    with Receiver(0, SECRET, **options) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


def signed(body: str = BODY, *, secret: str = SECRET, at: datetime | None = None, id: str = "msg_1") -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body),
        "content-type": "application/json",
    }


def test_good_repeated_and_bad(capsys: pytest.CaptureFixture[str]) -> None:
    with listening() as receiver, httpx.Client() as http:
        other, old = signed(secret=new_secret()), signed(at=datetime.now(UTC) - timedelta(seconds=301))
        # During a rotation both secrets sign.
        two = {**other, "webhook-signature": f"{other['webhook-signature']} {signed()['webhook-signature']}"}
        good, forged = (BODY, signed()), [(BODY, other), (BODY, old), (f"{BODY} ", signed()), (BODY, {})]
        sent = [good, good, *forged, (BODY, two)]
        statuses = [http.post(receiver.url, content=body, headers=head).status_code for body, head in sent]
        assert statuses == [204, 204, 401, 401, 401, 401, 204]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "run.succeeded msg_1 SUCCEEDED [[2.0]]"
    assert lines[1] == "run.succeeded msg_1 SUCCEEDED (repeated) [[2.0]]"
    assert [line.split()[0] for line in lines[2:6]] == ["401"] * 4
    assert "(repeated)" in lines[6]
    assert SECRET not in "".join(lines)


def test_every_shape_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    bodies = [
        '{"run_id": "1", "message": "Finished", "result": [1], "status_code": 200}',
        '{"task_id": "1", "status": "FAILURE", "traceback": "boom"}',
        '{"type": "x\\u001b[2J", "data": {"result_url": "https://x"}}',
        "[1, 2]",
        "no json",
    ]
    with listening(as_json=True) as receiver, httpx.Client() as http:
        for place, body in enumerate(bodies):
            headers = {**signed(body, id=f"msg_{place}"), "modelcote-event": "run.succeeded"}
            assert http.post(receiver.url, content=body, headers=headers).status_code == 204
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["state"] for row in shown] == [200, "FAILURE", None, None, None]
    assert [row["result"] for row in shown] == ["[1]", '"boom"', '"https://x"', "null", "null"]


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps({"type": "a\x1b[2Jb", "data": {"state": "x\ny", "result": "\x1b]0;x\x07"}})
    with listening() as receiver:
        assert httpx.post(receiver.url, content=body, headers=signed(body)).status_code == 204
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.count("\n") == 1


def test_sizes_and_lengths() -> None:
    large = "x" * (BODY_LIMIT + 1)
    with listening() as receiver:
        assert httpx.post(receiver.url, content=large, headers=signed(large)).status_code == 413
        just = "x" * BODY_LIMIT
        assert httpx.post(receiver.url, content=just, headers=signed(just)).status_code == 204
        assert httpx.post(receiver.url, content=iter([b"chunked"])).status_code == 411
        address = ("127.0.0.1", receiver.server_address[1])
        for length in (b"-1", b"1e3", b"9" * 30, b"x"):
            with socket.create_connection(address, timeout=60) as raw:
                raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n")
                assert raw.recv(100).startswith(b"HTTP/1.1 411")
        assert httpx.get(receiver.url).status_code == 501
        assert httpx.post(receiver.url, content=BODY, headers=signed()).status_code == 204


def test_tls_and_a_port_in_use(tmp_path: Path) -> None:
    authority = Authority()
    cert, key = authority.issue("localhost")
    (tmp_path / "cert.pem").write_text(cert)
    (tmp_path / "key.pem").write_text(key)
    context = ssl.create_default_context(cafile=str(authority.write_ca(tmp_path)))
    with listening(tls=(tmp_path / "cert.pem", tmp_path / "key.pem")) as receiver:
        port = receiver.server_address[1]
        # A silent client blocks no other.
        with socket.create_connection(("127.0.0.1", port)), httpx.Client(verify=context) as http:
            answer = http.post(f"https://localhost:{port}/", content=BODY, headers=signed())
            assert answer.status_code == 204
        with pytest.raises(InvalidSpec, match=str(port)):
            Receiver(port, SECRET)


def test_as_a_command() -> None:
    """Start it, call it and end it as a user does."""
    command = [sys.executable, "-m", "modelcote.cli", "webhooks", "listen", "--port", "0", "--json"]
    environment = {**os.environ, "MODELCOTE_WEBHOOK_SECRET": SECRET}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            url = json.loads(process.stdout.readline())["url"]
            assert httpx.post(url, content=BODY, headers=signed()).status_code == 204
            assert json.loads(process.stdout.readline())["id"] == "msg_1"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()
