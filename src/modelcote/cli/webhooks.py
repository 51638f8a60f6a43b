"""`cote webhooks secret | set | rm | listen`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from modelcote.cli.models import Name
from modelcote.cli.output import Commands, Json, client, read_file, show
from modelcote.core.errors import InvalidSpec, MalformedJson

app = Commands(help="Webhooks: signing secrets, URLs and a test receiver.", no_args_is_help=True)


@app.command("secret")
def secret(
    model: Annotated[str, typer.Option(help="This model's own secret instead of the project's.")] = "",
    rotate: Annotated[bool, typer.Option("--rotate", help="Create a new secret and print it, only this once.")] = False,
    as_json: Json = False,
) -> None:
    """Show whether there is a signing secret, or create a new one; the previous one also signs for 24 hours more."""
    with client() as api:
        if rotate:
            text = api.rotate_webhook_secret(model)
            show({"secret": text}, as_json, text)
            return
        state = api.webhook_secret(model)
    until = f"; the previous one also signs until {state['previous_until']}" if state["previous_until"] else ""
    line = f"a signing secret exists{until}" if state["exists"] else "no signing secret yet: create one with --rotate"
    show(state, as_json, line)


@app.command("set")
def set_webhook(
    name: Name,
    url: Annotated[str, typer.Argument(help="An https URL.")],
    auth_file: Annotated[Path | None, typer.Option(help="JSON file with the credentials: kind basic or mtls.")] = None,
    as_json: Json = False,
) -> None:
    """Set the URL that is notified of a model's runs, unless a run names another."""
    auth = _read_auth(auth_file) if auth_file is not None else None
    with client() as api:
        show(api.set_webhook(name, url, auth), as_json, f"{name}: {url}")


@app.command("rm")
def remove(name: Name, as_json: Json = False) -> None:
    """Remove a model's webhook; runs that name a URL of their own still use it."""
    with client() as api:
        api.delete_webhook(name)
    show({"removed": name}, as_json, f"removed the webhook of {name}")


@app.command("listen")
def listen(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 for any free one.")] = 8787,
    secret: Annotated[str, typer.Option(envvar="MODELCOTE_WEBHOOK_SECRET", help="Signing secret, whsec_...")] = "",
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate, to listen with TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM key of the certificate.")] = None,
    as_json: Json = False,
) -> None:
    """Receive webhooks on this machine, check their signatures and print them, until Ctrl-C."""
    from modelcote.cli.receiver import Receiver

    if not secret:
        raise InvalidSpec(
            "the signing secret is missing.", "Create one: `cote webhooks secret --rotate`.", field="secret"
        )
    if (tls_cert is None) != (tls_key is None):
        raise InvalidSpec(
            "TLS needs a certificate and its key.", "Give both --tls-cert and --tls-key.", field="tls_cert"
        )
    tls = (tls_cert, tls_key) if tls_cert and tls_key else None
    with Receiver(port, secret, as_json=as_json, tls=tls) as receiver:
        show({"url": receiver.url}, as_json, f"listening at {receiver.url}")
        try:
            receiver.serve_forever()
        except KeyboardInterrupt:
            return


def _read_auth(path: Path) -> Any:
    text = read_file(path, "auth_file")
    try:
        return json.loads(text)
    except ValueError:
        # Without its cause, which would show the file's content.
        raise MalformedJson(f"{path} is not valid JSON.", 'Write {"kind": "basic", "username": ..., ...}.') from None
