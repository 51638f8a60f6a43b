"""`cote keys ls | create | revoke`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelcote.cli.output import Json, client, reports_errors, show, table

app = typer.Typer(help="API keys of the project.", no_args_is_help=True)


@app.command("ls")
@reports_errors
def ls(as_json: Json = False) -> None:
    """List the keys; their texts are not kept."""
    with client() as api:
        found = api.keys()
    columns = ("key_id", "name", "scopes", "created_at", "expires_at_s", "revoked_at_s")
    show(found, as_json, lambda: table(found["keys"], columns))


@app.command("create")
@reports_errors
def create(
    name: Annotated[str, typer.Argument(help="What the key is for; two keys of a name may be active.")],
    scope: Annotated[list[str] | None, typer.Option(help="predict, deploy or admin; may be repeated.")] = None,
    expires_in_s: Annotated[int | None, typer.Option(help="Seconds; never by default.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key. Its text is shown once."""
    with client() as api:
        made = api.create_key(name, scope or ["predict"], expires_in_s)
    show(made, as_json, lambda: print(made["key"]))


@app.command("revoke")
@reports_errors
def revoke(key_id: Annotated[str, typer.Argument(help="As listed.")], as_json: Json = False) -> None:
    """End a key."""
    with client() as api:
        api.revoke_key(key_id)
    show({"revoked": key_id}, as_json, lambda: print(f"revoked {key_id}"))
