"""The part of the Amazon States Language that the definitions use, strictly: what is not here is refused.

Written from the language's specification (states-language.net). A JSON schema says which members there are; what it
cannot say (names that exist, states that are reached, an end) is checked beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

_PATH = r"^\$(\.[A-Za-z_][A-Za-z0-9_]*)*$"
_POSITIVE = {"type": "integer", "minimum": 1, "maximum": 99_999_999}


def _object(required: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these members and no other."""
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items}


def _one_of(*members: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [member]} for member in members]}


_TEXT, _A_PATH = {"type": "string"}, {"type": "string", "pattern": _PATH}
# Of `Parameters` and `ResultSelector`: a name that ends in `.$` holds a path, and no other name does.
_TEMPLATE = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {r"\.\$$": _A_PATH, r"^(?!.*\.\$$)": {"not": {"type": "string", "pattern": r"^\$\."}}},
    "additionalProperties": False,
}
_ERRORS = {**_list({"type": "string", "pattern": r"^(States|Lambda)\.[A-Za-z]+$"}), "uniqueItems": True}
_RETRIER = _object(
    ["ErrorEquals"],
    ErrorEquals=_ERRORS,
    IntervalSeconds=_POSITIVE,
    MaxAttempts={"type": "integer", "minimum": 0, "maximum": 99_999_999},
    BackoffRate={"type": "number", "minimum": 1},
    MaxDelaySeconds={"type": "integer", "minimum": 1, "maximum": 31_622_399},
)
_CATCHER = _object(["ErrorEquals", "Next"], ErrorEquals=_ERRORS, ResultPath=_A_PATH, Next=_TEXT)
_NAME = {"type": "string", "minLength": 1}
_LAMBDA = {
    **_object(["Payload.$"], **{"FunctionName": _NAME, "FunctionName.$": {}, "Qualifier": _NAME, "Payload.$": {}}),
    **_one_of("FunctionName", "FunctionName.$"),
}
_TASK = {
    # Without a limit a task that is lost is waited for until the execution ends.
    "allOf": [_one_of("Next", "End"), _one_of("TimeoutSeconds", "TimeoutSecondsPath")],
    **_object(
        ["Type", "Resource", "Parameters"],
        Type={"const": "Task"},
        Comment=_TEXT,
        Resource={"const": "arn:aws:states:::lambda:invoke"},
        Parameters={"allOf": [_TEMPLATE, _LAMBDA]},
        ResultSelector=_TEMPLATE,
        ResultPath=_A_PATH,
        TimeoutSeconds=_POSITIVE,
        TimeoutSecondsPath=_A_PATH,
        Retry=_list(_RETRIER),
        Catch=_list(_CATCHER),
        Next=_TEXT,
        End={"const": True},
    ),
}
_RULE = _object(["Variable", "StringEquals", "Next"], Variable=_A_PATH, StringEquals=_TEXT, Next=_TEXT)
# Without a default, an execution that no rule matches fails, and nothing records it.
_CHOICE = _object(["Type", "Choices", "Default"], Type={"const": "Choice"}, Choices=_list(_RULE), Default=_TEXT)
_PASS = _object(
    ["Type", "Result", "ResultPath", "Next"],
    **{"Type": {"const": "Pass"}, "Result": {"type": "object"}, "ResultPath": _A_PATH, "Next": _TEXT},
)
_STATE: dict[str, Any] = _TASK
for _type, _schema in {"Choice": _CHOICE, "Pass": _PASS}.items():
    _STATE = {"if": {"properties": {"Type": {"const": _type}}}, "then": _schema, "else": _STATE}
_STATES = {"minProperties": 1, "propertyNames": {"maxLength": 80}, "additionalProperties": _STATE}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        ["StartAt", "States", "TimeoutSeconds"],
        Comment=_TEXT,
        StartAt=_TEXT,
        TimeoutSeconds=_POSITIVE,
        States={"type": "object", **_STATES},
    ),
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
    yield from (state[name] for name in ("Next", "Default") if name in state)
    yield from (row["Next"] for kind in ("Catch", "Choices") for row in state.get(kind, ()))


def _catch_all(definition: Mapping[str, Any]) -> Iterator[str]:
    """`States.ALL` must be alone and last: AWS rejects anything after it, which would never be tried."""
    for name, state in definition["States"].items():
        for kind in ("Retry", "Catch"):
            rows = [row["ErrorEquals"] for row in state.get(kind, ())]
            if any("States.ALL" in row and (len(row) > 1 or index < len(rows) - 1) for index, row in enumerate(rows)):
                yield f"{name}: {kind}: States.ALL is neither alone nor last"
