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
    }
    for path, operations in made["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM
            if path not in _OPEN:
                operation["security"] = [{"key": []}, {"bearer": []}]
    made["paths"] = dict(sorted(made["paths"].items()))
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    return made


def _bodies() -> list[type[BaseModel]]:
    """Every request body: the strict ones, and the Conduit dialect's."""
    from modelcote.control.conduit import DeployRequest

    return [*Strict.__subclasses__(), DeployRequest]


def _schemas(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    template = "#/components/schemas/{model}"
    _, made = models_json_schema([(model, "validation") for model in models], ref_template=template)
    schemas: dict[str, Any] = made["$defs"]
    return schemas


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
    "parameters": [_parameter("project"), _parameter("model")],
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
        }
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
