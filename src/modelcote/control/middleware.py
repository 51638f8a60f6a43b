"""The middleware of the control API: the request's id, the limits of its headers and path, the access log."""

from __future__ import annotations

import re
import time
import traceback
import uuid
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelcote.control.errors import Respond
from modelcote.core.errors import ModelcoteError, NotFound
from modelcote.core.http_rules import check_headers

# No name, id or key has other characters, or more of them; any other path (one with an escape, or `..`) names nothing.
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]{1,128})+", re.ASCII)
Log = Callable[..., None]  # Of an event's name and its fields.


class Middleware:
    """ASGI middleware. `log` is called with an event's name and its members, none of them secret.

    An exception that nothing else handles becomes a 500 here, and its trace goes to the log.
    """

    def __init__(self, app: ASGIApp, log: Log, respond: Respond) -> None:
        self.app = app
        self.log = log
        self.respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        refusal = _refusal(scope)
        try:
            if refusal is None:
                await self.app(scope, receive, answer)
            else:
                await self.respond(refusal, scope["path"], request_id)(scope, receive, answer)
        except Exception:
            self.log("failed", request_id=request_id, path=scope["path"], exception=traceback.format_exc())
            if status:
                raise
            unexpected = ModelcoteError("the control API failed.", "Try again; if it stays so, report the request_id.")
            await self.respond(unexpected, scope["path"], request_id)(scope, receive, answer)
        took_ms = round((time.perf_counter() - started) * 1000, 3)
        request = {"method": scope["method"], "path": scope["path"], "status": status, "ms": took_ms}
        self.log("request", request_id=request_id, **request)


def _request_id(scope: Scope) -> str:
    """Return the id that the HTTP API gave the request, or a new one."""
    event = scope.get("aws.event") or {}
    return str(event.get("requestContext", {}).get("requestId") or uuid.uuid4().hex)


def _refusal(scope: Scope) -> ModelcoteError | None:
    try:
        check_headers((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    except ModelcoteError as error:
        return error
    sent = [scope["path"], (scope.get("raw_path") or b"").decode("latin-1")]
    sent.append((scope.get("aws.event") or {}).get("rawPath", ""))
    if not all(_PATH.fullmatch(path) for path in sent if path):
        return NotFound("there is nothing at this path.", "See /openapi.json for the paths.")
    return None
