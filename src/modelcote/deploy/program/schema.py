"""The resource types of pulumi_aws: inputs with their types, which are required, and the outputs.

Read from the SDK's own annotations, so that a plan is compared with what the provider really accepts.
"""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import sys
import typing
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

import pulumi
from pulumi import _types

from modelcote.deploy.program.monitor import Archive, Asset

# Python's keywords and builtins among the provider's modules have an underscore there.
_MODULES = {"lambda": "lambda_"}
_SCALARS: Mapping[type, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (int, float)}


@dataclass(frozen=True)
class Schema:
    """One resource type. Names are the provider's camelCase; `outputs` holds those that are not inputs."""

    inputs: Mapping[str, Any]
    required: frozenset[str]
    outputs: Mapping[str, Any]


@cache
def resource_schema(token: str) -> Schema | None:
    """Return the schema of a type such as `aws:lambda/function:Function`, or None if pulumi_aws has no such type."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    if package != "aws" or not name:
        return None
    folder = module.partition("/")[0]
    with warnings.catch_warnings():
        # Some modules warn of their own deprecated types when they are first used.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            resource = getattr(importlib.import_module(f"pulumi_aws.{_MODULES.get(folder, folder)}"), name, None)
        except ModuleNotFoundError:
            return None
    if getattr(resource, "pulumi_type", None) != token or not isinstance(resource, type):
        return None
    beside = vars(sys.modules[resource.__module__])
    # `...InitArgs` if a nested type of another resource is called `...Args`.
    args = beside.get(f"{name}InitArgs") or beside[f"{name}Args"]
    inputs = _inputs(args)
    outputs = {key: kind for key, kind in _types.resource_types(resource).items() if key not in inputs}
    return Schema(inputs, _required(args), outputs)


@cache
def _inputs(args: type) -> Mapping[str, Any]:
    return _types.input_type_types(args)


@cache
def _required(args: type) -> frozenset[str]:
    names = _types.input_type_py_to_pulumi_names(args)
    parameters = list(inspect.signature(args.__init__).parameters.values())[1:]  # type: ignore[misc]
    return frozenset(names[row.name] for row in parameters if row.default is inspect.Parameter.empty)


def mismatches(value: Any, kind: Any, path: str) -> list[str]:
    """Return why `value` is not of the type `kind`, each with its path; empty if it is."""
    options = _options(kind)
    enums = [option for option in options if isinstance(option, type) and issubclass(option, Enum)]
    if enums and isinstance(value, str):
        # The provider's types say "a string or the enum"; a string outside the enum is still a mistake.
        values = {member.value for enum in enums for member in enum}
        return [] if value in values else [f"{path}: {value!r} is not one of {_few(values)}"]
    attempts = [_attempt(value, option, path) for option in options]
    return min(attempts, key=len, default=[])


def _attempt(value: Any, kind: Any, path: str) -> list[str]:
    origin, parameters = typing.get_origin(kind) or kind, typing.get_args(kind)
    if kind is Any or kind is object:
        return []
    if origin in _SCALARS:
        fits = isinstance(value, _SCALARS[origin]) and (origin is bool or not isinstance(value, bool))
        return [] if fits else [f"{path}: {value!r} is not {origin.__name__}"]
    if isinstance(origin, type) and issubclass(origin, pulumi.Archive | pulumi.Asset):
        return [] if isinstance(value, Archive | Asset) else [f"{path}: {value!r} is not an archive or asset"]
    if _types.is_input_type(origin):
        return object_mismatches(value, _inputs(origin), _required(origin), path)
    if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
        if not isinstance(value, Mapping):
            return [f"{path}: {value!r} is not an object"]
        inner = parameters[1] if len(parameters) == 2 else Any
        return [line for key, item in value.items() for line in mismatches(item, inner, f"{path}.{key}")]
    if isinstance(origin, type) and issubclass(origin, collections.abc.Sequence):
        if not isinstance(value, list):
            return [f"{path}: {value!r} is not a list"]
        inner = parameters[0] if parameters else Any
        return [line for index, item in enumerate(value) for line in mismatches(item, inner, f"{path}[{index}]")]
    return [f"{path}: {value!r} is not {kind}"]


def object_mismatches(value: Any, inputs: Mapping[str, Any], required: frozenset[str], path: str) -> list[str]:
    """Return the unknown, missing and mistyped members of an object."""
    if not isinstance(value, Mapping):
        return [f"{path}: {value!r} is not an object"]
    lines = [f"{path}.{name}: there is no such property" for name in sorted(value.keys() - inputs.keys())]
    lines += [f"{path}.{name}: required, but missing" for name in sorted(required - value.keys())]
    for name in sorted(value.keys() & inputs.keys()):
        lines += mismatches(value[name], inputs[name], f"{path}.{name}")
    return lines


@cache
def _options(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union without None, outputs and awaitables; a single type is a union of itself."""
    origin = typing.get_origin(kind) or kind
    if origin is typing.Union:
        return tuple(option for row in typing.get_args(kind) for option in _options(row))
    if kind is type(None) or (
        isinstance(origin, type) and issubclass(origin, pulumi.Output | collections.abc.Awaitable)
    ):
        return ()
    return (kind,)


def _few(values: set[Any]) -> str:
    ordered = sorted(map(str, values))
    return ", ".join(ordered) if len(ordered) <= 8 else f"{', '.join(ordered[:8])}, ..."
