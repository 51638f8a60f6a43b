"""Lambda's Invoke over HTTP, answered by a function of the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from modelcote.aws.http import AwsClient, Credentials, Door
from modelcote.backends import BACKENDS, Backends
from modelcote.backends.lambda_ import LambdaBackend
from modelcote.core.target import LAMBDA

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class LambdaDoor:
    """`reply` returns each invocation's status, headers and body; `seen` keeps the requests."""

    reply: Callable[[bytes], Reply]
    host: str = ""
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    clients: list[AwsClient] = field(default_factory=list)

    def client(self) -> AwsClient:
        """A client of this door, closed with it."""
        made = AwsClient(Door("lambda", "us-east-1", self.host, secure=False), lambda: Credentials("id", "secret"))
        self.clients.append(made)
        return made

    def backends(self) -> Backends:
        """The backends with Lambda behind this door."""
        return Backends({LAMBDA: replace(BACKENDS[LAMBDA], connect=lambda: LambdaBackend(self.client()))})


def failing(kind: str) -> Reply:
    """Return the answer of a function that was started and failed."""
    return 200, {"x-amz-function-error": "Unhandled"}, json.dumps({"errorType": kind, "errorMessage": kind}).encode()


@contextmanager
def lambda_door(reply: Callable[[bytes], Reply]) -> Iterator[LambdaDoor]:
    """A server on 127.0.0.1 for as long as the context lasts."""
    door = LambdaDoor(reply)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            door.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status, headers, content = door.reply(body)
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            with suppress(ConnectionError):  # a client that waited long enough
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the test's own output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    door.host = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield door
    finally:
        for client in door.clients:
            client.close()
        server.shutdown()
        thread.join()
        server.server_close()
