"""The OpenAPI document: made from the routes, committed, and compared.

`python -m modelcote.control.openapi --check` fails when `docs/openapi/openapi.json` is not what the code says;
`--write` makes it so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from modelcote.control.body import Strict
from modelcote.control.launch.bodies import BODIES as LAUNCH_BODIES
from modelcote.control.launch.paths import is_launch
from modelcote.control.views import Problem
from modelcote.core.project import project_root

FILE = Path("docs/openapi/openapi.json")
# The API's version, not the package's: it changes when the contract does.
VERSION = "1"
_PROBLEM = {
    "description": "What was wrong, and what to do.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_OPEN = frozenset({"/healthz"})


def document(routes: Sequence[APIRoute]) -> dict[str, Any]:
    """The document of these routes and of predict, which the gateway answers."""
    made = get_openapi(
        title="modelcote",
        version=VERSION,
        summary="Deploy a model, call it over HTTP.",
        routes=routes,
        separate_input_output_schemas=False,
    )
    schemas = made["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(_schemas([Problem, *_bodies()]))
    made["paths"]["/v1/{project}/{model}/predict"] = {"post": _PREDICT}
    made["components"]["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "Authorization"},
        "bearer": {"type": "http", "scheme": "bearer", "description": "an API key, or a JWT of a registered issuer"},
        "basic": {"type": "http", "scheme": "basic", "description": "launch: an API key as the user name, no password"},
    }
    for path, operations in made["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM
            if path not in _OPEN:
                operation["security"] = [{"basic": []}] if is_launch(path) else [{"key": []}, {"bearer": []}]
    made["paths"] = dict(sorted(made["paths"].items()))
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    return made


def _bodies() -> list[type[BaseModel]]:
    """Every request body: the strict ones, and the dialects'."""
    from modelcote.control.conduit import DeployRequest

    return [*Strict.__subclasses__(), DeployRequest, *LAUNCH_BODIES]


def _schemas(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    template = "#/components/schemas/{model}"
    _, made = models_json_schema([(model, "validation") for model in models], ref_template=template)
    schemas: dict[str, Any] = made["$defs"]
    return schemas


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


_DATA = {
    "description": "a list of data points, or one object",
    "oneOf": [{"type": "array", "items": {}}, {"type": "object"}],
}
_PREDICT: dict[str, Any] = {
    "tags": ["predict"],
    "summary": "Predict",
    "description": "Asks a model. `/v3/{project}/{model}/predict` is the same.",
    "operationId": "predict",
    "parameters": [
        _parameter("project"),
        _parameter("model"),
        _header("Prefer", "`respond-async`: the call is accepted as a run"),
        _header("Idempotency-Key", "of a run: the same key and body within 24 hours are the same run"),
        _header("X-Modelcote-Queue-Limit", "of a run: seconds in the queue, 10 to 259,200"),
        _header("X-Modelcote-Run-Limit", "of a run: seconds in the model, 1 to its timeout"),
        _header("X-Modelcote-Result-Ttl", "of a run: seconds that the result is kept, 3,600 to 7,776,000"),
        _header("X-Modelcote-Webhook", "the URL that is told of the run's end; makes the call a run"),
        _header("X-Modelcote-Webhook-Auth", "base64url of JSON: what the receiver asks for besides the signature"),
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _DATA},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["data"],
                    "properties": {
                        "data": {"type": "string", "contentMediaType": "application/json"},
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            },
        },
    },
    "responses": {
        "200": {
            "description": "What the model gives back; one id per data point.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["result", "run_id", "run_time_ms", "prediction_ids"],
                        "properties": {
                            "result": {},
                            "run_id": {"type": "string"},
                            "run_time_ms": {"type": "number"},
                            "prediction_ids": {"type": "array", "items": {"type": "string"}},
                        },
                    }
                }
            },
        },
        "202": {
            "description": "Accepted as a run: it was asked for, the model is asynchronous, or it takes longer.",
            "headers": {"Location": {"description": "where the run is", "schema": {"type": "string"}}},
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["run_id", "webhook_endpoint", "message"],
                        "properties": {
                            "run_id": {"type": "string"},
                            "webhook_endpoint": {"type": ["string", "null"]},
                            "message": {"type": "string"},
                            "state": {"type": "string"},
                        },
                    }
                }
            },
        },
    },
}


def text() -> str:
    """The document as it is committed."""
    from modelcote.control.app import openapi_document

    return json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """`--check` or `--write`; gives the exit status."""
    path = project_root() / FILE
    if arguments == ["--write"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")
        return 0
    if arguments == ["--check"]:
        if path.exists() and path.read_text(encoding="utf-8") == text():
            return 0
        print(f"{FILE} is not what the code says: run python -m modelcote.control.openapi --write", file=sys.stderr)
        return 1
    print("usage: python -m modelcote.control.openapi --check | --write", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
