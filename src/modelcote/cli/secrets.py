"""`cote secrets set | ls | rm`: what processors read with `get_secret`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelcote.cli.output import Json, client, reports_errors, show

app = typer.Typer(help="Secrets of the project's processors.", no_args_is_help=True)
Key = Annotated[str, typer.Argument(help="The name that get_secret takes.")]


@app.command("set")
@reports_errors
def set_secret(key: Key, as_json: Json = False) -> None:
    """Set a secret; its value is asked for, or read from standard input."""
    value = typer.prompt("value", hide_input=True)
    with client() as api:
        api.put_secret(key, value)
    show({"set": key}, as_json, lambda: print(f"set {key}"))


@app.command("ls")
@reports_errors
def ls(as_json: Json = False) -> None:
    """List the names of the secrets."""
    with client() as api:
        found = api.secrets()
    show(found, as_json, lambda: print("\n".join(str(row) for row in found.get("secrets", []))))


@app.command("rm")
@reports_errors
def rm(key: Key, as_json: Json = False) -> None:
    """Delete a secret."""
    with client() as api:
        api.delete_secret(key)
    show({"removed": key}, as_json, lambda: print(f"removed {key}"))
