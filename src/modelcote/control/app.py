"""The control API as an ASGI application."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from modelcote.control.dialect import Dialect
from modelcote.control.errors import install, responder
from modelcote.control.middleware import Log, Middleware
from modelcote.control.openapi import document
from modelcote.control.routes import deliveries, deploys, keys, models, runs, secrets, versions, webhooks
from modelcote.control.services import Services
from modelcote.control.views.models import Health

_MODULES = (models, versions, deploys, keys, secrets, runs, deliveries, webhooks)
_own = APIRouter()


@_own.get("/healthz", tags=["health"])
def health() -> Health:
    """Answer while the function runs; no other service is called."""
    return Health(status="ok")


def openapi_document(dialects: Sequence[Dialect]) -> dict[str, Any]:
    """Return the API's OpenAPI document."""
    return document([route for router in _routers(dialects) for route in _api_routes(router)], dialects)


def create_app(services: Services, dialects: Sequence[Dialect], log: Log) -> FastAPI:
    """Return the application on these services; `log` is called for every request (`modelcote.control.middleware`)."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.services = services
    app.add_api_route("/openapi.json", cache(partial(openapi_document, dialects)), include_in_schema=False)
    routers = _routers(dialects)
    for router in routers:
        app.include_router(router)
    respond = responder(dialects)
    install(app, respond, [route for router in (*routers, app.router) for route in _api_routes(router)])
    app.add_middleware(Middleware, log=log, respond=respond)
    return app


def _routers(dialects: Sequence[Dialect]) -> list[APIRouter]:
    return [
        *(module.router for module in _MODULES),
        *(router for dialect in dialects for router in dialect.routers()),
        _own,
    ]


def _api_routes(router: APIRouter) -> list[APIRoute]:
    return [route for route in router.routes if isinstance(route, APIRoute)]
