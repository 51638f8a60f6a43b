"""A model function as AWS runs it: a fresh process of awslambdaric, spoken to over the Lambda Runtime API."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import modelcote
from modelcote.deploy.artifacts.package import SERVING

_API = "/2018-06-01/runtime"
_ANSWER_S = 60


def make_task_root(folder: Path, bundle: Path, python: Path) -> Path:
    """Write a function's code as it is deployed: the bundle and the serving part of modelcote, compiled to .pyc."""
    root = folder / "task"
    source = Path(modelcote.__file__).parent
    for part in SERVING:
        shutil.copytree(source / part, root / "modelcote" / part, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "modelcote" / "__init__.py").touch()
    shutil.copytree(bundle, root / "bundle")
    subprocess.run([python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", root], check=True)
    return root


@dataclass
class Function:
    """A running function process, with what it needed until its first answer."""

    process: subprocess.Popen[bytes]
    cold_ms: float
    first_answer: Any
    _events: queue.Queue[bytes]
    _answers: queue.Queue[bytes]

    def invoke(self, event: Any) -> Any:
        """Return the function's answer to one more event."""
        self._events.put(json.dumps(event).encode())
        return json.loads(self._answers.get(timeout=_ANSWER_S))

    @property
    def rss_mb(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextmanager
def started(python: Path, root: Path, event: Any) -> Iterator[Function]:
    """Start a function process and wait for its first answer; it ends with the block."""
    events: queue.Queue[bytes] = queue.Queue()
    answers: queue.Queue[bytes] = queue.Queue()
    server = _Server(("127.0.0.1", 0), _runtime_api(events, answers))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    events.put(json.dumps(event).encode())
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(root),
        "LAMBDA_TASK_ROOT": str(root),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    }
    start = time.perf_counter()
    process = subprocess.Popen(
        [python, "-m", "awslambdaric", "modelcote.serving.lambda_entry.handler"], cwd=root, env=environment
    )
    try:
        first = answers.get(timeout=_ANSWER_S)
        cold_ms = (time.perf_counter() - start) * 1000
        yield Function(process, cold_ms, json.loads(first), events, answers)
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: a process that is killed leaves its connection in the middle of the next poll."""


def _runtime_api(events: queue.Queue[bytes], answers: queue.Queue[bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = events.get()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")  # awslambdaric waits for ever without it
            self.send_header("Lambda-Runtime-Aws-Request-Id", "bench")
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 60_000))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:0:function:bench")
            self._finish(body)

        def do_POST(self) -> None:
            answers.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self._finish(b"")

        def _finish(self, body: bytes) -> None:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: a line per call would be measured too."""

    return Handler
