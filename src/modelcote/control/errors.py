"""One place where errors become answers: problems (RFC 9457) with the request's id, never a trace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from modelcote.control.conduit import PATHS
from modelcote.control.launch.paths import is_launch
from modelcote.core.errors import BadRequest, Invalid, MethodNotAllowed, ModelcoteError, NotFound, to_problem

MEDIA_TYPE = "application/problem+json"
_HEADERS: dict[int, dict[str, str]] = {
    401: {"www-authenticate": 'Bearer realm="modelcote"'},
    429: {"retry-after": "1"},
    503: {"retry-after": "1"},
}
_LAUNCH_HEADERS = {401: {"www-authenticate": "Basic"}}


def problem_response(error: ModelcoteError, path: str, request_id: str) -> Response:
    """The answer that an error stands for.

    In the Conduit dialect it has the `message` that its clients show; in the launch dialect it is `{"detail": ...}`.
    """
    headers = dict(_HEADERS.get(error.status, {}))
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = str(error.extra.get("allow", ""))
    if is_launch(path):
        headers |= _LAUNCH_HEADERS.get(error.status, {})
        return Response(orjson.dumps({"detail": str(error)}), error.status, headers, "application/json")
    problem = to_problem(error, request_id)
    if path in PATHS:
        problem["message"] = str(error)
    return Response(orjson.dumps(problem, default=str), error.status, headers, MEDIA_TYPE)


def install(app: FastAPI, routes: Iterable[APIRoute]) -> None:
    """Makes the app answer with problems, its router's own errors among them; `routes` are all it has."""
    known = list(routes)

    async def ours(request: Request, error: ModelcoteError) -> Response:
        return problem_response(error, request.url.path, request.state.request_id)

    async def routers(request: Request, error: HTTPException) -> Response:
        return await ours(request, _of_router(error, request, known))

    async def parameters(request: Request, error: RequestValidationError) -> Response:
        return await ours(request, _of_parameters(error.errors()[0]))

    app.add_exception_handler(ModelcoteError, ours)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, routers)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, parameters)  # type: ignore[arg-type]


def _of_router(error: HTTPException, request: Request, routes: list[APIRoute]) -> ModelcoteError:
    if error.status_code == 405:
        path = request.url.path
        allowed = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
        allow = ", ".join(sorted(allowed)) or "GET"
        return MethodNotAllowed(f"{request.method} is not a method of this path.", f"Use {allow}.", allow=allow)
    if error.status_code == 404:
        return NotFound("there is nothing at this path.", "See /openapi.json for the paths.")
    return BadRequest("the request cannot be read.", "Send it again.")


def _of_parameters(first: dict[str, Any]) -> ModelcoteError:
    field = str(first["loc"][-1])
    return Invalid(f"{field}: {first['msg']}.", "See /openapi.json.", field=field)
