"""What every command has in common: one JSON document or a table on standard output, errors in two lines."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from modelcote.core.errors import InvalidSpec, ModelcoteError, to_problem

if TYPE_CHECKING:
    from modelcote.sdk.client import Client

Result = TypeVar("Result")
Command = Callable[..., Any]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


class Commands(typer.Typer):
    """A group of commands; with `--json`, an error is the JSON document, else two lines. The exit status is then 1."""

    def command(self, name: str | None = None, **named: Any) -> Callable[[Command], Command]:  # type: ignore[override]
        register = super().command(name, **named)
        return lambda command: register(_reports_errors(command))


def _reports_errors(command: Callable[..., Result]) -> Callable[..., Result]:
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


def show(document: Mapping[str, Any], as_json: bool, *lines: str) -> None:
    """Print the document for programs, the lines for people."""
    for line in (json.dumps(document),) if as_json else lines:
        print(line, flush=True)


@dataclass(frozen=True)
class Table:
    """How people see the list `member` of an answer: `columns` are fields of the type `row`."""

    member: str
    row: type
    columns: tuple[str, ...]

    def show(self, answer: Mapping[str, Any], as_json: bool) -> None:
        """Print the whole answer for programs, the table for people."""
        if as_json:
            show(answer, as_json)
        else:
            self.print(answer)

    def print(self, answer: Mapping[str, Any]) -> None:
        _grid(self.columns, ((_text(row[column]) for column in self.columns) for row in answer[self.member]))


def show_fields(document: Mapping[str, Any], as_json: bool, *tables: Table) -> None:
    """Print the whole document for programs; one line per field, then the tables, for people."""
    if as_json:
        show(document, as_json)
        return
    lists = {table.member for table in tables}
    _grid(("field", "value"), ((name, _text(value)) for name, value in document.items() if name not in lists))
    for table in tables:
        table.print(document)


def _grid(header: tuple[str, ...], rows: Iterable[Iterable[str]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    grid = Grid(*header, box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*row)
    # As wide as its values: an id that is cut to the terminal's width could not be given to the next command.
    Console(highlight=False, soft_wrap=True, width=10_000).print(grid)


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value) if isinstance(value, dict | list) else "-" if value is None else str(value)


def read_file(path: Path, field: str) -> str:
    """Read a file that an option names; raise `InvalidSpec` if there is none."""
    if not path.is_file():
        raise InvalidSpec(f"the file {path} does not exist.", "Give the path of a JSON file.", field=field)
    return path.read_text(encoding="utf-8")


def installed(module: str, what: str, extra: str, error_class: type[ModelcoteError]) -> Any:
    """Return a module of an optional part; raise an error of this class, with the command that installs the part."""
    try:
        return import_module(module)
    except ImportError as error:
        raise error_class(
            f"{what} is not installed here ({error.name} is missing).", f'Install it: pip install "modelcote[{extra}]".'
        ) from error


def client() -> Client:
    """Return a client of the configured target."""
    from modelcote.sdk.client import Client
    from modelcote.sdk.config import find_target

    return Client(find_target())
