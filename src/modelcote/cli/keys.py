"""`cote keys ls | create | revoke`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelcote.cli.output import Commands, Json, Table, client, show
from modelcote.sdk.answers import KeyView

app = Commands(help="The project's API keys.", no_args_is_help=True)
KEYS = Table("keys", KeyView, ("key_id", "name", "scopes", "created_at", "expires_at", "revoked_at"))


@app.command("ls")
def ls(as_json: Json = False) -> None:
    """List API keys, without their secret text."""
    with client() as api:
        KEYS.show(api.keys(), as_json)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for. At most two active keys may share a name.")],
    scope: Annotated[list[str] | None, typer.Option(help="predict, deploy or admin; may be repeated.")] = None,
    expires_in_s: Annotated[
        int | None, typer.Option(help="Seconds until it expires; by default it never does.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create an API key and print it. It is shown only this once."""
    with client() as api:
        key = api.create_key(name, scope or ["predict"], expires_in_s)
    show(key, as_json, key["key"])


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="ID of the key, from `cote keys ls`.")], as_json: Json = False
) -> None:
    """Revoke an API key."""
    with client() as api:
        api.revoke_key(key_id)
    show({"revoked": key_id}, as_json, f"revoked {key_id}")
