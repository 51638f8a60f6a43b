"""What every command has in common: one JSON document or a table on standard output, errors in two lines."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer

from modelcote.core.errors import ModelcoteError, to_problem

Result = TypeVar("Result")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def reports_errors(command: Callable[..., Result]) -> Callable[..., Result]:
    """Ends a command with exit status 1 and what to do; with `--json`, the problem is the document."""

    @functools.wraps(command)
    def wrapped(*positional: Any, **named: Any) -> Result:
        try:
            return command(*positional, **named)
        except ModelcoteError as error:
            if named.get("as_json"):
                print(json.dumps(to_problem(error)))
            else:
                print(f"error: {error.detail}\n{error.remedy}", file=sys.stderr)
            raise typer.Exit(1) from error

    return wrapped


def show(document: Mapping[str, Any], as_json: bool, people: Callable[[], None]) -> None:
    """Print the document for programs, or let `people` print it for people."""
    if as_json:
        print(json.dumps(document))
    else:
        people()


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """The rows' columns, side by side."""
    from rich.console import Console
    from rich.table import Table

    made = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        made.add_row(*(str(row.get(column, "")) for column in columns))
    Console(highlight=False, soft_wrap=True).print(made)


def client() -> Any:
    """A client of the configured target."""
    from modelcote.sdk.client import Client
    from modelcote.sdk.config import find_target

    return Client(find_target())
