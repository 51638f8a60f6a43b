"""A webhook receiver for the developer's machine, to see deliveries before writing a real one."""

from __future__ import annotations

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from modelcote.core.errors import Invalid, InvalidSpec
from modelcote.core.texts import shortened
from modelcote.webhooks.sign import check_secret, verify

BODY_LIMIT = 1024 * 1024
_DRAINED = 16 * 1024 * 1024  # Read this much of a body that is too large, so that its sender sees the answer.
_SHORT = 200
_KEPT_IDS = 10_000


class Receiver(ThreadingHTTPServer):
    """Listens on 127.0.0.1; `tls` is the paths of a certificate and its key. Raises `Invalid` and `InvalidSpec`."""

    daemon_threads = True

    def __init__(self, port: int, secret: str, *, as_json: bool = False, tls: tuple[Path, Path] | None = None) -> None:
        self.secret = check_secret(secret)
        self.as_json = as_json
        self._seen: dict[str, None] = {}
        self._lock = threading.Lock()
        context = _context(*tls) if tls else None
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise InvalidSpec(
                f"port {port} cannot be used: {error.strerror}.", "Choose another port.", field="port"
            ) from error
        if context is not None:
            # The handshake runs in the connection's own thread, so that a silent client blocks no other.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_address[1]}/"

    def first_time(self, webhook_id: str) -> bool:
        """Remember the id; return whether it is new."""
        with self._lock:
            if webhook_id in self._seen:
                return False
            self._seen[webhook_id] = None
            if len(self._seen) > _KEPT_IDS:
                del self._seen[next(iter(self._seen))]
            return True

    def say(self, members: dict[str, Any]) -> None:
        """Print one line about one request."""
        if self.as_json:
            line = json.dumps(members)
        else:
            # In ASCII: bytes from the network must not control the terminal.
            line = " ".join(_short(value) for value in members.values() if value not in (None, False))
        print(f"{line}\n", end="", flush=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a broken connection: the sender retries."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    timeout = 15
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            verify(headers, body, [self.server.secret], now_s=time.time())
        except Invalid as error:
            self.server.say({"refused": "401", "detail": error.detail})
            self._answer(401, error.text)
            return
        self.server.say(_members(headers, body, repeated=not self.server.first_time(headers["webhook-id"])))
        self._answer(204)

    def _body(self) -> bytes | None:
        """Read the body, or answer with an error and return None."""
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 16):
            self._refuse(411, "Send a Content-Length.")
            return None
        size = int(length)
        if size > BODY_LIMIT:
            left = min(size, _DRAINED)
            while left > 0 and (chunk := self.rfile.read(min(left, 65_536))):
                left -= len(chunk)
            self._refuse(413, f"Send at most {BODY_LIMIT:,} bytes.")
            return None
        return self.rfile.read(size)

    def _refuse(self, status: int, detail: str) -> None:
        self.server.say({"refused": str(status), "detail": detail})
        self.close_connection = True
        self._answer(status, detail)

    def _answer(self, status: int, text: str = "") -> None:
        content = text.encode()
        self.send_response(status)
        if content:
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(content)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: `Receiver.say` prints the requests."""


def _members(headers: dict[str, str], body: bytes, *, repeated: bool) -> dict[str, Any]:
    """Pick what to print of a delivery, in any dialect's shape."""
    try:
        sent = json.loads(body)
    except ValueError:
        sent = None
    outer = sent if isinstance(sent, dict) else {}
    inner = outer["data"] if isinstance(outer.get("data"), dict) else outer
    result = next((inner[name] for name in ("result", "result_url", "error", "traceback") if name in inner), None)
    return {
        "event": headers.get("modelcote-event") or outer.get("type") or "-",
        "id": headers["webhook-id"],
        "state": inner.get("state") or inner.get("status_code") or inner.get("status"),
        "repeated": "(repeated)" if repeated else None,
        "result": shortened(json.dumps(result), _SHORT),
    }


def _short(value: Any) -> str:
    return shortened(ascii(str(value))[1:-1], _SHORT)


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # With a password, even an empty one, OpenSSL does not prompt for it.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise InvalidSpec(
            "the certificate and its key cannot be loaded.",
            "Give two matching PEM files.",
            field="tls_cert",
        ) from error
    return context
