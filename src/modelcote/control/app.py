"""The control API as an ASGI application."""

from __future__ import annotations

from functools import cache
from typing import Any, NoReturn

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute

from modelcote.control import conduit
from modelcote.control.door import Door, Log
from modelcote.control.errors import install
from modelcote.control.launch import endpoints as launch_endpoints
from modelcote.control.launch import tasks as launch_tasks
from modelcote.control.openapi import document
from modelcote.control.routes import (
    deliveries,
    deploys,
    health,
    issuers,
    keys,
    logs,
    models,
    runs,
    secrets,
    versions,
    webhooks,
)
from modelcote.control.services import Services
from modelcote.core.errors import MethodNotAllowed

ROUTERS = (
    models.router,
    versions.router,
    logs.router,
    deploys.router,
    keys.router,
    issuers.router,
    secrets.router,
    runs.router,
    deliveries.router,
    webhooks.router,
    conduit.router,
    launch_endpoints.router,
    launch_tasks.router,
    health.router,
)
_elsewhere = APIRouter(include_in_schema=False)


@_elsewhere.api_route(
    "/{generation}/{project}/{model}/predict",
    methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"],
    response_model=None,
)
def predict(request: Request) -> NoReturn:
    """Predict is the gateway's; what is not a POST comes here by the HTTP API's default route."""
    raise MethodNotAllowed(f"{request.method} is not a method of predict.", "Use POST.", allow="POST")


@cache
def openapi_document() -> dict[str, Any]:
    """The API's OpenAPI document."""
    return document(_routes())


def create_app(services: Services, log: Log) -> FastAPI:
    """The application on these services; `log` is told of every request (see `modelcote.control.door`)."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.services = services
    app.add_api_route("/openapi.json", openapi_document, include_in_schema=False)
    for router in (*ROUTERS, _elsewhere):
        app.include_router(router)
    install(app, [*_routes(), *_api_routes(_elsewhere), *_api_routes(app.router)])
    app.add_middleware(Door, log=log)
    return app


def _routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in _api_routes(router)]


def _api_routes(router: APIRouter) -> list[APIRoute]:
    return [route for route in router.routes if isinstance(route, APIRoute)]
