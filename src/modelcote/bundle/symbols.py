"""Symbols of the objects of a pickle while it is read: only texts, numbers and containers are real.

A symbol is a class or a function, a call what would have been made by one, a table a dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Symbol:
    """A class or a function that the stream names."""

    module: str
    name: str

    def __str__(self) -> str:
        return ascii(f"{self.module}.{self.name}")[1:-1]


@dataclass(eq=False)
class Call:
    """The inert result of a call.

    `built` once the stream has given it a state; `held` once it is part of another value, if it is a dtype: a state
    would change that too. `read`: what has been read of it.
    """

    function: Symbol
    arguments: tuple[Any, ...]
    state: Any = None
    built: bool = False
    held: bool = False
    read: Any = None


class Table(dict[str, Any]):
    """A dictionary's items whose keys are texts; `hidden` if it has others, which only loading would tell.

    A `frozen` one has been checked, as an object's state or a dtype's fields: nothing may be added to it. `read`: what
    has been read of it.
    """

    hidden = False
    frozen = False
    read: Any = None


class Refused(Exception):
    """A value that may not be loaded, while it is not known yet where in the model it is."""


def plain_table(value: Any) -> Table:
    """Return the dictionary; raise `Refused` for anything else, and for one whose keys are not all plain texts."""
    if not isinstance(value, Table) or value.hidden:
        raise Refused("has a state that cannot be read without loading it")
    return value


def place_of(root: Any, target: Any) -> str:
    """Return where in the model the value is, as `steps[1].scoring`; empty where it is in none of its parts.

    The nearest one by breadth; a pair of a name and a value, as in `Pipeline.steps`, counts as the value.
    """
    seen, level = {id(root)}, [(root, "")]
    while level:
        below: list[tuple[Any, str]] = []
        for value, path in level:
            if value is target:
                return path.removeprefix(".")
            for part, suffix in _parts(value):
                if id(part) not in seen:
                    seen.add(id(part))
                    below.append((part, path + suffix))
        level = below
    return ""


def _parts(value: Any) -> Iterator[tuple[Any, str]]:
    match value:
        case Symbol():
            return
        case Call():
            yield value.function, ""
            yield from ((argument, "") for argument in value.arguments)
            for state in value.state if isinstance(value.state, tuple) else (value.state,):
                if isinstance(state, Table):
                    yield from ((part, f".{name}") for name, part in state.items())
                else:
                    yield state, ""
        case Table():
            yield from ((part, f"[{name!a}]") for name, part in value.items())
        case (str(), part):
            yield part, ""
        case list() | tuple():
            yield from ((part, f"[{index}]") for index, part in enumerate(value))
