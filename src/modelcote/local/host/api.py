"""The host's HTTP side.

| request | from | answer |
|---|---|---|
| `POST /2015-03-31/functions/{name}/invocations` | boto3 in a function (`AWS_ENDPOINT_URL_LAMBDA`) | Lambda's Invoke |
| any other `/20...` | likewise | passed on to the emulator, asynchronous Invoke among them |
| `POST /forwarded` | the emulator, for the HTTP API, queues and its own Invoke | the answer, or 500 and the error |
| `POST /sync`, `POST /prewarm`, `GET /status` | the local cloud itself | |
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import re
import uuid
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote, urlsplit

from modelcote.core.errors import PayloadTooLarge, to_problem
from modelcote.local.host.host import Host, NoSuchFunctionError, ThrottledError
from modelcote.local.host.http import Connection, Request
from modelcote.local.host.outcome import MAX_PAYLOAD
from modelcote.local.host.process import Invocation

_TOO_LARGE = to_problem(
    PayloadTooLarge("the request is larger than the API accepts.", "Send at most 4.5 MB."), uuid.uuid4().hex
)
_TOO_LARGE_EVENT = {
    "statusCode": 413,
    "headers": {"content-type": "application/problem+json"},
    "body": json.dumps(_TOO_LARGE),
}
_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_ARN = re.compile(r"(?:(?:arn:aws:lambda:[^:]*:)?[^:]*:function:)?([^:]+)(?::(.+))?")
_JSON = ("Content-Type", "application/json")
# The emulator's read timer for a forwarded call is the function's timeout; waiting for a process must not count.
_INTERIM_S = 0.4
# How long a timed-out call is left unanswered, so that the emulator's own timer ends it with the right error type.
_GRACE_S = 3.0
_HOP_BY_HOP = frozenset({"connection", "content-length", "host", "transfer-encoding", "expect", "keep-alive"})
_TIMEOUT_S = 905.0  # Lambda's longest call and a little


class ApiConnection(Connection):
    """One caller's connection; every request becomes a task on the loop."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.host = host
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.Task[None] | None = None  # a call that no process has yet

    def on_request(self, request: Request) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop a call that waits for a process: its caller has gone, and Lambda has no such queue."""
        super().connection_lost(exc)
        if self._waiting is not None:
            self._waiting.cancel()

    def _dispatched(self) -> None:
        self._waiting = None

    async def _answer(self, request: Request) -> None:
        try:
            await self._route(request)
        except NoSuchFunctionError as error:
            self._service_error(404, "ResourceNotFoundException", Message=f"Function not found: {error}")
        except ThrottledError as error:
            self._service_error(429, "TooManyRequestsException", Reason=str(error), message="Rate Exceeded.")

    async def _route(self, request: Request) -> None:
        path = request.path
        invoke = _INVOKE.fullmatch(path) if request.method == "POST" else None
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if invoke is not None and kind == "RequestResponse":
            await self._invoke(request, unquote(invoke.group(1)))
        elif path.startswith("/20"):
            self.send(*await _forward(request, self.host.settings.emulator))
        elif (request.method, path) in _ROUTES:
            await _ROUTES[request.method, path](self, request)
        else:
            self._json(404, {"message": "Not Found"})

    async def _invoke(self, request: Request, reference: str) -> None:
        name, qualifier = _named(reference, request.query("Qualifier"))
        if len(request.body) > MAX_PAYLOAD:
            text = f"Request must be smaller than {MAX_PAYLOAD} bytes for the InvokeFunction operation"
            self._service_error(413, "RequestTooLargeException", message=text)
            return
        call = Invocation(name, qualifier, request.body or b"{}", str(uuid.uuid4()))
        self._waiting = asyncio.current_task()
        try:
            answer = await self.host.invoke(call, self._dispatched)
        finally:
            self._waiting = None
        headers = [_JSON, ("x-amzn-RequestId", call.request_id), ("X-Amz-Executed-Version", answer.version)]
        if answer.outcome.error_type:
            headers.append(("X-Amz-Function-Error", "Unhandled"))
        if request.headers.get("x-amz-log-type") == "Tail":
            tail = "\n".join(answer.tail).encode()[-4096:]
            headers.append(("X-Amz-Log-Result", base64.b64encode(tail).decode()))
        self.send(200, headers, answer.outcome.body)

    async def forwarded(self, request: Request) -> None:
        """Answer the emulator's proxy request: the event as the body, function and version in headers."""
        headers = request.headers
        if len(request.body) > MAX_PAYLOAD and b'"requestContext"' in request.body:
            # What an HTTP API answers for an event that is too large for its function; the emulator has no such limit.
            self._json(200, _TOO_LARGE_EVENT)
            return
        _, qualifier = _named(headers.get("x-amzn-lambda-function-arn", ""), "")
        call = Invocation(
            headers.get("x-amzn-lambda-function-name", ""),
            qualifier or headers.get("x-amzn-lambda-function-version", ""),
            request.body,
            headers.get("x-amzn-lambda-request-id") or str(uuid.uuid4()),
            forwarded=True,
            trace_id=headers.get("x-amzn-trace-id", ""),
        )
        waiting = Interim(self)
        try:
            answer = await self.host.invoke(call, waiting.stop)
        finally:
            waiting.stop()
        if answer.outcome.timed_out:
            await asyncio.sleep(_GRACE_S)
        self.send(500 if answer.outcome.error_type else 200, (_JSON,), answer.outcome.body)

    async def sync(self, _request: Request) -> None:
        self.host.sync()
        self._json(200, {})

    async def prewarm(self, request: Request) -> None:
        """Answer `{"functions": [names], "qualifier": "live"}` once each has a process that is loaded."""
        body = json.loads(request.body)
        await self.host.prewarm(body["functions"], body.get("qualifier", ""))
        self._json(200, {})

    async def status(self, _request: Request) -> None:
        """Answer with counters and processes by function."""
        processes = [
            {
                "function": process.function,
                "version": process.version.version,
                "busy": process.busy,
                "calls": process.calls,
                "memory_mb": process.peak_mb,
                "init_ms": round(process.init_s * 1000, 1),
                "pid": process.pid,
            }
            for process in self.host.processes()
        ]
        functions = {name: dict(counts) for name, counts in self.host.counts.items()}
        self._json(200, {"functions": functions, "processes": processes})

    def _service_error(self, status: int, error_type: str, **members: str) -> None:
        self._json(status, {"Type": "User", **members}, ("x-amzn-ErrorType", error_type))

    def _json(self, status: int, body: Any, *headers: tuple[str, str]) -> None:
        self.send(status, (_JSON, *headers), json.dumps(body).encode())


class Interim:
    """Keeps the emulator's read timer from running while a call waits for a process; `stop` starts it for good."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._sent = False
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(_INTERIM_S, self._again)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            if self._sent:
                self._connection.keep_waiting()

    def _again(self) -> None:
        self._sent = True
        self._connection.keep_waiting()
        self._timer = self._loop.call_later(_INTERIM_S, self._again)


def _named(reference: str, qualifier: str) -> tuple[str, str]:
    """Return name and qualifier of a function that is referred to by its name, or by a partial or whole ARN."""
    match = _ARN.fullmatch(reference)
    if match is None:
        return reference, qualifier
    return match.group(1), qualifier or match.group(2) or ""


async def _forward(request: Request, emulator: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of the emulator's answer; 503 when it cannot be reached."""
    return await asyncio.to_thread(_exchange, request, urlsplit(emulator).netloc)


def _exchange(request: Request, address: str) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_S)
    headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
    try:
        connection.request(request.method, request.target, request.body, headers)
        response = connection.getresponse()
        headers_back = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
        return response.status, headers_back, response.read()
    except OSError:
        return 503, [("x-amzn-ErrorType", "ServiceException")], b'{"message":"the emulator does not answer"}'
    finally:
        connection.close()


_ROUTES: dict[tuple[str, str], Callable[[ApiConnection, Request], Coroutine[Any, Any, None]]] = {
    ("POST", "/forwarded"): ApiConnection.forwarded,
    ("POST", "/sync"): ApiConnection.sync,
    ("POST", "/prewarm"): ApiConnection.prewarm,
    ("GET", "/status"): ApiConnection.status,
}
