"""The types of the SDK's answers are those of the committed OpenAPI document, and each method has its route's."""

from __future__ import annotations

import json
import re
import types
from pathlib import Path
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import httpx
import pytest

from modelcote import Client
from modelcote.sdk import answers
from modelcote.sdk.config import Target
from tests.support.specs import a_spec

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs/openapi/openapi.json").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
PREDICT = DOCUMENT["paths"]["/v1/{project}/{model}/predict"]["post"]["responses"]
SCHEMAS["Prediction"] = PREDICT["200"]["content"]["application/json"]["schema"]
SCHEMAS["AcceptedRun"] = PREDICT["202"]["content"]["application/json"]["schema"]
OF_THE_SDK_ALONE = {"ReplayCount"}
SHAPES = {name: shape for name, shape in vars(answers).items() if is_typeddict(shape) and name not in OF_THE_SDK_ALONE}
NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null", dict: "object"}


def types_of_hint(hint: Any) -> set[str]:
    """Name a Python type as JSON Schema would."""
    if hint is Any:
        return {"any"}
    if get_origin(hint) is NotRequired:
        return types_of_hint(get_args(hint)[0])
    if get_origin(hint) is types.UnionType:
        return set().union(*(types_of_hint(each) for each in get_args(hint)))
    if get_origin(hint) is list:
        return {f"array of {min(types_of_hint(get_args(hint)[0]))}"}
    return {hint.__name__ if is_typeddict(hint) else NAMES[get_origin(hint) or hint]}


def types_of_schema(schema: dict[str, Any]) -> set[str]:
    """Name a JSON Schema's types as `types_of_hint` does."""
    if "$ref" in schema:
        return {schema["$ref"].rsplit("/", 1)[1]}
    if "anyOf" in schema:
        return set().union(*(types_of_schema(each) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return {f"array of {min(types_of_schema(schema['items']))}"}
    kind = schema.get("type", "any")
    return {kind} if isinstance(kind, str) else set(kind)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_the_document_s(name: str) -> None:
    hints = get_type_hints(SHAPES[name], include_extras=True)
    schema = SCHEMAS[name]
    assert {field: types_of_hint(hint) for field, hint in hints.items()} == {
        field: types_of_schema(each) for field, each in schema["properties"].items()
    }
    assert {field for field, hint in hints.items() if get_origin(hint) is not NotRequired} == set(schema["required"])


RUN_ID = "0" * 32
CALLS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("models", "keys", "secrets", "runs", "deliveries", "webhook_secret"), ()),
    **dict.fromkeys(("model", "versions", "logs", "rollback", "delete", "webhook"), ("iris",)),
    **dict.fromkeys(("run", "cancel_run", "delivery", "replay"), (RUN_ID,)),
    "create_version": (a_spec(), "0" * 64, 1),
    **dict.fromkeys(("version", "deploy_version"), ("iris", 1)),
    "create_key": ("ci", ["predict"]),
    "set_webhook": ("iris", "https://example.com"),
}


@pytest.mark.parametrize("method", CALLS)
def test_a_method_answers_what_its_route_answers(method: str) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={})

    with Client(Target("https://api.example", "key", "demo"), httpx.MockTransport(answer)) as client:
        getattr(client, method)(*CALLS[method])
    hint = get_type_hints(getattr(Client, method))["return"]
    assert schema_of_route(requests[0]) in {shape.__name__ for shape in get_args(hint) or (hint,)}


def test_every_method_with_a_shape_is_called_above() -> None:
    public = {name: method for name, method in vars(Client).items() if callable(method) and name[0] != "_"}
    shaped = {name for name, method in public.items() if "answers." in str(method.__annotations__["return"])}
    assert shaped - {"predict"} == set(CALLS)


def schema_of_route(request: httpx.Request) -> str:
    """Return the name of the schema that the document has for the request's route."""
    for path, methods in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.url.path) and request.method.lower() in methods:
            responses = methods[request.method.lower()]["responses"]
            success = next(responses[status] for status in ("200", "201", "202") if status in responses)
            return str(success["content"]["application/json"]["schema"]["$ref"]).rsplit("/", 1)[1]
    raise AssertionError(f"the document has no {request.method} {request.url.path}")
