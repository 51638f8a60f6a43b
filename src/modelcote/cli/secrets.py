"""`cote secrets set | ls | rm`: what processors read with `get_secret`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from modelcote.cli.output import Commands, Json, Table, client, show
from modelcote.sdk.answers import SecretView

app = Commands(help="Secrets that the project's processors read.", no_args_is_help=True)
Key = Annotated[str, typer.Argument(help="Name of the secret, as `get_secret` reads it.")]
SECRETS = Table("secrets", SecretView, ("key", "updated_at"))


@app.command("set")
def set_secret(key: Key, as_json: Json = False) -> None:
    """Set a secret. Its value is read from a prompt, or from standard input."""
    value = typer.prompt("value", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().removesuffix("\n")
    with client() as api:
        api.put_secret(key, value)
    show({"set": key}, as_json, f"set {key}")


@app.command("ls")
def ls(as_json: Json = False) -> None:
    """List the secrets by name, without their values."""
    with client() as api:
        SECRETS.show(api.secrets(), as_json)


@app.command("rm")
def rm(key: Key, as_json: Json = False) -> None:
    """Delete a secret."""
    with client() as api:
        api.delete_secret(key)
    show({"removed": key}, as_json, f"removed {key}")
