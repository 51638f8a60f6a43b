"""The one place where errors become responses: problems (RFC 9457) with the request's id, never a trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from modelcote.control.dialect import Dialect, surface_of
from modelcote.core.errors import BadRequest, Invalid, MethodNotAllowed, ModelcoteError, NotFound
from modelcote.core.http_rules import error_headers

# An error, the request's path and its id.
Respond = Callable[[ModelcoteError, str, str], Response]


def responder(dialects: Sequence[Dialect]) -> Respond:
    """Return what answers an error: a problem, or on a dialect's own path the body that its clients read."""

    def respond(error: ModelcoteError, path: str, request_id: str) -> Response:
        surface = surface_of(path, dialects)
        headers = error_headers(error, surface.challenge)
        body = orjson.dumps(surface.problem(error, request_id), default=str)
        return Response(body, error.status, headers, surface.media_type)

    return respond


def install(app: FastAPI, respond: Respond, routes: Sequence[APIRoute]) -> None:
    """Make the app answer with problems, its router's own errors among them; `routes` are all it has."""

    async def ours(request: Request, error: ModelcoteError) -> Response:
        return respond(error, request.url.path, request.state.request_id)

    async def routers(request: Request, error: HTTPException) -> Response:
        return await ours(request, _of_router(error, request, routes))

    async def parameters(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = str(first["loc"][-1])
        return await ours(request, Invalid(f"{field}: {first['msg']}.", "See /openapi.json.", field=field))

    app.add_exception_handler(ModelcoteError, ours)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, routers)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, parameters)  # type: ignore[arg-type]


def _of_router(error: HTTPException, request: Request, routes: Sequence[APIRoute]) -> ModelcoteError:
    if error.status_code == 405:
        matches = [route for route in routes if route.path_regex.match(request.url.path)]
        allowed = {method for route in matches for method in route.methods or ()}
        allow = ", ".join(sorted(allowed)) or "GET"
        return MethodNotAllowed(f"{request.method} is not a method of this path.", f"Use {allow}.", allow=allow)
    if error.status_code == 404:
        return NotFound("there is nothing at this path.", "See /openapi.json for the paths.")
    return BadRequest("the request cannot be read.", "Send it again.")
