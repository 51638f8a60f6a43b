"""The part of the Amazon States Language that the definitions use, strictly: what is not here is refused.

Written from the language's specification (states-language.net). A JSON schema says which members there are; what it
cannot say (names that exist, states that are reached, an end) is checked beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

_PATH = r"^\$(\.[A-Za-z_][A-Za-z0-9_]*)*$"
_POSITIVE = {"type": "integer", "minimum": 1, "maximum": 99_999_999}
# Of `Parameters` and `ResultSelector`: a name that ends in `.$` holds a path, and no other name does.
_TEMPLATE = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {
        r"\.\$$": {"type": "string", "pattern": _PATH},
        r"^(?!.*\.\$$)": {"not": {"type": "string", "pattern": r"^\$\."}},
    },
    "additionalProperties": False,
}
_ERRORS = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"type": "string", "pattern": r"^(States|Lambda)\.[A-Za-z]+$"},
}
_RETRIER = {
    "type": "object",
    "properties": {
        "ErrorEquals": _ERRORS,
        "IntervalSeconds": _POSITIVE,
        "MaxAttempts": {"type": "integer", "minimum": 0, "maximum": 99_999_999},
        "BackoffRate": {"type": "number", "minimum": 1},
        "MaxDelaySeconds": {"type": "integer", "minimum": 1, "maximum": 31_622_399},
    },
    "required": ["ErrorEquals"],
    "additionalProperties": False,
}
_CATCHER = {
    "type": "object",
    "properties": {
        "ErrorEquals": _ERRORS,
        "ResultPath": {"type": "string", "pattern": _PATH},
        "Next": {"type": "string"},
    },
    "required": ["ErrorEquals", "Next"],
    "additionalProperties": False,
}
_LAMBDA = {
    "properties": {
        "FunctionName": {"type": "string", "minLength": 1},
        "FunctionName.$": {},
        "Qualifier": {"type": "string", "minLength": 1},
        "Payload.$": {},
    },
    "oneOf": [{"required": ["FunctionName"]}, {"required": ["FunctionName.$"]}],
    "required": ["Payload.$"],
    "additionalProperties": False,
}
_TASK = {
    "type": "object",
    "properties": {
        "Type": {"const": "Task"},
        "Comment": {"type": "string"},
        "Resource": {"const": "arn:aws:states:::lambda:invoke"},
        "Parameters": {"allOf": [_TEMPLATE, _LAMBDA]},
        "ResultSelector": _TEMPLATE,
        "ResultPath": {"type": "string", "pattern": _PATH},
        "TimeoutSeconds": _POSITIVE,
        "TimeoutSecondsPath": {"type": "string", "pattern": _PATH},
        "Retry": {"type": "array", "minItems": 1, "items": _RETRIER},
        "Catch": {"type": "array", "minItems": 1, "items": _CATCHER},
        "Next": {"type": "string"},
        "End": {"const": True},
    },
    # Without a limit a task that is lost is waited for until the execution ends.
    "required": ["Type", "Resource", "Parameters"],
    "allOf": [
        {"oneOf": [{"required": ["Next"]}, {"required": ["End"]}]},
        {"oneOf": [{"required": ["TimeoutSeconds"]}, {"required": ["TimeoutSecondsPath"]}]},
    ],
    "additionalProperties": False,
}
_CHOICE = {
    "type": "object",
    "properties": {
        "Type": {"const": "Choice"},
        "Choices": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "Variable": {"type": "string", "pattern": _PATH},
                    "StringEquals": {"type": "string"},
                    "Next": {"type": "string"},
                },
                "required": ["Variable", "StringEquals", "Next"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["Type", "Choices"],
    "additionalProperties": False,
}
_STATE = {"if": {"properties": {"Type": {"const": "Choice"}}}, "then": _CHOICE, "else": _TASK}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "Comment": {"type": "string"},
        "StartAt": {"type": "string"},
        "TimeoutSeconds": _POSITIVE,
        "States": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"maxLength": 80},
            "additionalProperties": _STATE,
        },
    },
    "required": ["StartAt", "States", "TimeoutSeconds"],
    "additionalProperties": False,
}
_VALIDATOR = Draft202012Validator(SCHEMA)


def problems(definition: Any) -> list[str]:
    """Everything that is wrong with a definition; empty when nothing is."""
    found = [f"{error.json_path}: {error.message}" for error in _VALIDATOR.iter_errors(definition)]
    return found or [*_targets(definition), *_catch_all(definition)]


def _targets(definition: Mapping[str, Any]) -> Iterator[str]:
    states = definition["States"]
    edges = {name: list(_leads_to(state)) for name, state in states.items()}
    for name, targets in {"StartAt": [definition["StartAt"]], **edges}.items():
        yield from (f"{name}: there is no state {target}" for target in targets if target not in states)
    reached, ahead = set(), [definition["StartAt"]]
    while ahead:
        name = ahead.pop()
        if name not in reached and name in states:
            reached.add(name)
            ahead += edges[name]
    yield from (f"{name}: no state leads there" for name in states if name not in reached)
    ends = {name for name, state in states.items() if state.get("End")}
    for _ in states:
        ends |= {name for name, targets in edges.items() if ends & set(targets)}
    yield from (f"{name}: no end is reached from there" for name in states if name not in ends)


def _leads_to(state: Mapping[str, Any]) -> Iterator[str]:
    if "Next" in state:
        yield state["Next"]
    yield from (row["Next"] for kind in ("Catch", "Choices") for row in state.get(kind, ()))


def _catch_all(definition: Mapping[str, Any]) -> Iterator[str]:
    """`States.ALL` must be alone and last: AWS rejects anything after it, which would never be tried."""
    for name, state in definition["States"].items():
        for kind in ("Retry", "Catch"):
            rows = [row["ErrorEquals"] for row in state.get(kind, ())]
            if any("States.ALL" in row and (len(row) > 1 or index < len(rows) - 1) for index, row in enumerate(rows)):
                yield f"{name}: {kind}: States.ALL is neither alone nor last"
