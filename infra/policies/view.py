"""Planned resources as the rules see them: by type, and by what refers to what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Planned(Protocol):
    """A resource with resolved inputs (camelCase), from a plan or from the engine."""

    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class View:
    """All resources at once, since many rules are about two."""

    resources: tuple[Planned, ...]

    def of(self, kind: str) -> list[Planned]:
        """Return the resources of a type, named without its module: `Function`, `Bucket`."""
        return [row for row in self.resources if row.type.startswith("aws:") and row.type.rpartition(":")[2] == kind]

    def beside(self, kind: str, prop: str, of: Planned, output: str) -> Planned | None:
        """Return the first resource of `kind` whose input `prop` is `of`'s `output`."""
        return next((row for row in self.of(kind) if refers(row.inputs.get(prop), of, output)), None)


def refers(value: Any, to: Planned, output: str) -> bool:
    """Return whether a value is that output: a plan's placeholder for it, or its value once it is known."""
    return bool(value) and value in (f"${{{to.name}.{output}}}", to.inputs.get(output))


def mentions(value: Any, to: Planned, *outputs: str) -> bool:
    """Return whether a text holds one of those outputs."""
    texts = [f"${{{to.name}.{output}}}" for output in outputs] + [
        str(to.inputs.get(output) or "\0") for output in outputs
    ]
    return isinstance(value, str) and any(text in value for text in texts)


def dig(row: Planned, path: str) -> Any:
    """Return an input by its dotted path, list items by number; None if there is none."""
    value: Any = row.inputs
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def statements(row: Planned, prop: str = "policy") -> list[dict[str, Any]]:
    """Return the statements of an IAM document; actions and resources always as lists."""
    text = row.inputs.get(prop)
    if not isinstance(text, str):
        return []
    rows: list[dict[str, Any]] = json.loads(text).get("Statement", [])
    return [{**item, "Action": _list(item.get("Action")), "Resource": _list(item.get("Resource"))} for item in rows]


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


Finding = tuple[Planned, str]
Check = Callable[[View], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule with its ids elsewhere: CKV (checkov), SH (Security Hub), NAG (cdk-nag)."""

    id: str
    known_as: tuple[str, ...]
    meaning: str
    check: Check


@dataclass(frozen=True)
class Violation:
    rule: str
    resource: str
    message: str


def each(kind: str, holds: Callable[[Planned], bool], message: str) -> Check:
    """Return a check that every resource of a type satisfies by itself."""

    def check(view: View) -> Iterator[Finding]:
        return ((row, message) for row in view.of(kind) if not holds(row))

    return check


def equals(path: str, *values: Any) -> Callable[[Planned], bool]:
    """Return a test that an input is one of these values."""
    return lambda row: dig(row, path) in values


def present(path: str) -> Callable[[Planned], bool]:
    """Return a test that an input is present and not empty."""
    return lambda row: bool(dig(row, path))


def under_key(kind: str, path: str) -> Check:
    """Return a check that every resource of a type names a customer key in this input."""
    return each(kind, present(path), "no customer key")
