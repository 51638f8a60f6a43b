"""The checks of a planned resource, before AWS is called: what the engine would only find minutes later."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelcote.deploy.program import aws_rules
from modelcote.deploy.program.monitor import Resource
from modelcote.deploy.program.schema import object_mismatches, resource_schema

# The planner's placeholder for an output that AWS would not return; in an input it is a mistake.
UNKNOWN = "${unknown:"


def problems(resource: Resource) -> list[str]:
    """Return everything that is wrong with one resource, each line with its name."""
    if not resource.custom:
        return []
    # The other checks rely on the types.
    lines = list(_types(resource)) or [line for check in _CHECKS for line in check(resource)]
    return [f"{resource.name}: {line}" for line in lines]


def _types(resource: Resource) -> Iterator[str]:
    schema = resource_schema(resource.type)
    if schema is None:
        yield f"{resource.type} is not a resource type of pulumi_aws"
        return
    yield from object_mismatches(resource.inputs, schema.inputs, schema.required, "inputs")


def _enums(resource: Resource) -> Iterator[str]:
    for path, value in _leaves(resource.inputs):
        allowed = aws_rules.ENUMS.get((resource.type, path))
        if allowed is not None and value not in allowed:
            yield f"{path}: {value!r} is not one of {', '.join(sorted(allowed))}"


def _ranges(resource: Resource) -> Iterator[str]:
    for path, value in _leaves(resource.inputs):
        least, most = aws_rules.RANGES.get((resource.type, path), (None, None))
        if least is not None and most is not None and not least <= value <= most:
            yield f"{path}: {value} is not between {least} and {most}"


def _names(resource: Resource) -> Iterator[str]:
    rule = aws_rules.NAMES.get(resource.type)
    if rule is None:
        return
    name = resource.inputs.get(rule.input)
    if isinstance(name, str):
        if len(name) > rule.limit or not re.fullmatch(rule.characters, name, re.ASCII):
            yield f"{rule.input}: {name!r} is not a name of at most {rule.limit} characters of {rule.characters}"
    elif len(resource.name) + aws_rules.AUTO_NAME_SUFFIX > rule.limit:
        yield f"the automatic name would be longer than {rule.limit} characters"


def _documents(resource: Resource) -> Iterator[str]:
    for path, value in _leaves(resource.inputs):
        key = path.rpartition(".")[2]
        if key not in aws_rules.JSON_INPUTS or not isinstance(value, str):
            continue
        try:
            document = json.loads(value)
        except ValueError as error:
            yield f"{path}: not JSON: {error}"
            continue
        if key in aws_rules.IAM_INPUTS:
            yield from (f"{path}: {line}" for line in _iam(document, value, with_resource=key == "policy"))


def _iam(document: Any, text: str, *, with_resource: bool) -> Iterator[str]:
    if not isinstance(document, dict) or document.get("Version") != "2012-10-17":
        yield "an IAM document needs Version 2012-10-17"
        return
    statements = document.get("Statement")
    if not isinstance(statements, list) or not statements:
        yield "an IAM document needs statements"
        return
    if len(re.sub(r"\s", "", text)) > aws_rules.ROLE_POLICY_CHARACTERS:
        yield f"longer than {aws_rules.ROLE_POLICY_CHARACTERS} characters"
    sids = [row.get("Sid") for row in statements]
    if len(set(sids)) != len(sids):
        yield "two statements have the same Sid"
    for row in statements:
        name = row.get("Sid", "a statement")
        if not re.fullmatch(r"[A-Za-z0-9]+", str(row.get("Sid", "x"))):
            yield f"{name}: a Sid holds letters and digits only"
        if row.get("Effect") not in ("Allow", "Deny"):
            yield f"{name}: Effect is neither Allow nor Deny"
        if not _texts(row.get("Action")) or not all(
            re.fullmatch(r"[a-z0-9-]+:[\w*]+|\*", a) for a in _texts(row["Action"])
        ):
            yield f"{name}: an Action is not of the form service:Action"
        if with_resource and not _texts(row.get("Resource")):
            yield f"{name}: Resource is missing"
        if with_resource and not all(r == "*" or r.startswith(("arn:", "${")) for r in _texts(row.get("Resource"))):
            yield f"{name}: a Resource is not an ARN"


def _texts(value: Any) -> list[str]:
    rows = [value] if isinstance(value, str) else value
    return rows if isinstance(rows, list) and all(isinstance(row, str) for row in rows) else []


def _references(resource: Resource) -> Iterator[str]:
    for path, value in _leaves(resource.inputs):
        if value is None or (isinstance(value, str) and (UNKNOWN in value or re.search(r"\bNone\b", value))):
            yield f"{path}: refers to an output that is not known: {value!r}"


def _functions(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:lambda/function:Function":
        return
    inputs = resource.inputs
    variables = (inputs.get("environment") or {}).get("variables") or {}
    if (
        sum(len(str(key).encode()) + len(str(value).encode()) for key, value in variables.items())
        > aws_rules.ENVIRONMENT_BYTES
    ):
        yield f"the environment holds more than {aws_rules.ENVIRONMENT_BYTES} bytes"
    if len(inputs.get("layers") or ()) > aws_rules.MAX_LAYERS:
        yield f"more than {aws_rules.MAX_LAYERS} layers"
    sources = [name for name in ("code", "s3Bucket", "imageUri") if inputs.get(name)]
    if len(sources) != 1:
        yield "exactly one of code, s3Bucket and imageUri must be given"
    if sources == ["imageUri"]:
        if "@sha256:" not in inputs["imageUri"]:
            yield "imageUri: an image is named by its digest"
        if inputs.get("packageType") != "Image" or inputs.get("layers") or inputs.get("handler"):
            yield "an image has packageType Image, no layers and no handler"
    elif not inputs.get("handler") or not inputs.get("runtime"):
        yield "a zip needs a handler and a runtime"


_CHECKS: tuple[Callable[[Resource], Iterator[str]], ...] = (
    _enums,
    _ranges,
    _names,
    _documents,
    _references,
    _functions,
)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every scalar with its path; list items are `*`."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, f"{path}.*")
    else:
        yield path, value
