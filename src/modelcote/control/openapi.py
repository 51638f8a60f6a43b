"""The OpenAPI document, built from the routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def document(routes: Sequence[APIRoute], dialects: Sequence[Dialect]) -> dict[str, Any]:
    """Return the document of these routes and of predict, which the gateway answers."""
    bodies = [body for route in routes for body in _describe_body(route)]
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
    schemas = {**components["schemas"], **_schemas([Problem, *bodies])}
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {name: value for one in surfaces for name, value in one.schemes.items()}
    paths = {**openapi["paths"], "/v1/{project}/{model}/predict": {"post": _PREDICT}}
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


def _schemas(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    template = "#/components/schemas/{model}"
    _, schema = models_json_schema([(model, "validation") for model in models], ref_template=template)
    schemas: dict[str, Any] = schema["$defs"]
    return schemas


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": _TEXT}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


_TEXT = {"type": "string"}
_DATA = {
    "description": "a list of data points, or one object",
    "oneOf": [{"type": "array", "items": {}}, {"type": "object"}],
}
_FORM = _object(
    "data",
    data={**_TEXT, "contentMediaType": "application/json"},
    files={"type": "array", "items": {**_TEXT, "format": "binary"}},
)
_ANSWER = _object(
    "result run_id run_time_ms prediction_ids",
    result={},
    run_id=_TEXT,
    run_time_ms={"type": "number"},
    prediction_ids={"type": "array", "items": _TEXT},
)
_ACCEPTED = _object(
    "run_id webhook_endpoint message",
    run_id=_TEXT,
    webhook_endpoint={"type": ["string", "null"]},
    message=_TEXT,
    state=_TEXT,
)
_PREDICT: dict[str, Any] = {
    "tags": ["predict"],
    "summary": "Predict",
    "description": "Call a model. `/v3/{project}/{model}/predict` is the same.",
    "operationId": "predict",
    "parameters": [
        _parameter("project"),
        _parameter("model"),
        _header("Prefer", "`respond-async`: the call is accepted as a run"),
        _header("Idempotency-Key", "of a run: the same key and body within 24 hours are the same run"),
        _header("X-Modelcote-Queue-Limit", "of a run: seconds in the queue, 10 to 259,200"),
        _header("X-Modelcote-Run-Limit", "of a run: seconds in the model, 1 to its timeout"),
        _header("X-Modelcote-Result-Ttl", "of a run: seconds that the result is kept, 3,600 to 7,776,000"),
        _header("X-Modelcote-Webhook", "the URL that is called when the run has ended; makes the call a run"),
        _header(
            "X-Modelcote-Webhook-Auth",
            "base64url of JSON: the credentials that the receiver requires besides the signature",
        ),
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _DATA}, "multipart/form-data": {"schema": _FORM}},
    },
    "responses": {
        "200": {
            "description": "The model's result; one id per data point.",
            "content": {"application/json": {"schema": _ANSWER}},
        },
        "202": {
            "description": "Accepted as a run: it was requested, the model is asynchronous, or it takes longer.",
            "headers": {"Location": {"description": "the run's URL", "schema": _TEXT}},
            "content": {"application/json": {"schema": _ACCEPTED}},
        },
    },
}
