"""A new group of commands: a module with `app`, and one line in `cli/main.py`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from typer.testing import CliRunner

from modelcote.cli.main import GROUPS, make_app
from modelcote.cli.output import Commands, Json, show
from modelcote.core.errors import NotFound

app = Commands(help="Greetings.", no_args_is_help=True)


@app.command("hello")
def hello(name: Annotated[str, typer.Argument(help="Whom to greet.")], as_json: Json = False) -> None:
    """Greet someone."""
    if name == "Godot":
        raise NotFound("Godot has not arrived.", "Wait.")
    show({"hello": name}, as_json, f"hello, {name}")


def cote(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(make_app({**GROUPS, "greetings": app}), words)
    assert result.exit_code == status, result.output
    return result.output


def test_a_new_command_is_listed_runs_and_reports_errors() -> None:
    assert "Greetings." in cote("--help")
    assert "Greet someone." in cote("greetings", "--help")
    assert cote("greetings", "hello", "Ada") == "hello, Ada\n"
    assert json.loads(cote("greetings", "hello", "Ada", "--json")) == {"hello": "Ada"}
    assert cote("greetings", "hello", "Godot", status=1) == "error: Godot has not arrived.\nWait.\n"
    assert json.loads(cote("greetings", "hello", "Godot", "--json", status=1))["code"] == "not_found"
