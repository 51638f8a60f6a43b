"""The OpenAPI document, built from the routes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from modelcote.control.body import JsonBody
from modelcote.control.dialect import NATIVE, Dialect, surface_of
from modelcote.control.views.view import Problem

# The API's version, not the package's: it changes when the contract does.
VERSION = "1"
_PROBLEM = {
    "description": "What was wrong, and what to do.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_OPEN = frozenset({"/healthz"})
# The gateway's operation, which no route of this application describes.
_PREDICT = Path(__file__).with_name("predict.json")


def document(routes: Sequence[APIRoute], dialects: Sequence[Dialect]) -> dict[str, Any]:
    """Return the document of these routes and of predict, which the gateway answers."""
    bodies: list[type[BaseModel]] = [Problem, *(body for route in routes for body in _describe_body(route))]
    openapi = get_openapi(
        title="modelcote",
        version=VERSION,
        summary="Deploy a model, call it over HTTP.",
        routes=routes,
        separate_input_output_schemas=False,
    )
    components, surfaces = openapi["components"], [NATIVE, *(dialect.surface for dialect in dialects)]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    template = "#/components/schemas/{model}"
    _, described = models_json_schema([(body, "validation") for body in bodies], ref_template=template)
    schemas = {**components["schemas"], **described["$defs"]}
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {name: value for one in surfaces for name, value in one.schemes.items()}
    paths = {**openapi["paths"], "/v1/{project}/{model}/predict": {"post": json.loads(_PREDICT.read_bytes())}}
    openapi["paths"] = dict(sorted(paths.items()))
    for path, operations in paths.items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM
            if path not in _OPEN:
                operation["security"] = [{name: []} for name in surface_of(path, dialects).schemes]
    return openapi


def _describe_body(route: APIRoute) -> Iterator[type[BaseModel]]:
    """Add the body that the route reads to its description, and yield the body's model."""
    for dependency in route.dependant.dependencies:
        if isinstance(body := dependency.call, JsonBody):
            content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{body.model.__name__}"}}}
            route.openapi_extra = {"requestBody": {"required": not body.optional, "content": content}}
            yield body.model
