"""`cote webhooks secret | set | rm | listen`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from modelcote.cli.output import Json, client, reports_errors, show
from modelcote.core.errors import InvalidSpec, MalformedJson

app = typer.Typer(help="Webhooks: what signs them, where they go, and a receiver to try them.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The model's name.")]


@app.command("secret")
@reports_errors
def secret(
    model: Annotated[str, typer.Option(help="The model's own secret, not the project's.")] = "",
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new one, and print it this once.")] = False,
    as_json: Json = False,
) -> None:
    """Show whether there is a signing secret, or make a new one; the old one signs too for a day."""
    with client() as api:
        found = {"secret": api.rotate_webhook_secret(model)} if rotate else api.webhook_secret(model)

    def people() -> None:
        if rotate:
            print(found["secret"])
        elif not found["exists"]:
            print("there is none yet: add --rotate to make one")
        else:
            until = found["previous_until"]
            print(f"there is one; the one before it signs too until {until}" if until else "there is one")

    show(found, as_json, people)


@app.command("set")
@reports_errors
def set_webhook(
    name: Name,
    url: Annotated[str, typer.Argument(help="An https URL.")],
    auth_file: Annotated[Path | None, typer.Option(help="JSON: kind basic or mtls, and what belongs to it.")] = None,
    as_json: Json = False,
) -> None:
    """Send the webhooks of a model's runs to this URL, unless a run names another."""
    auth = _read(auth_file) if auth_file is not None else None
    with client() as api:
        found = api.set_webhook(name, url, auth)
    show(found, as_json, lambda: print(f"{name}: {found['url']}"))


@app.command("rm")
@reports_errors
def remove(name: Name, as_json: Json = False) -> None:
    """Send a model's webhooks nowhere, unless a run names a URL."""
    with client() as api:
        api.delete_webhook(name)
    show({"removed": name}, as_json, lambda: print(f"{name} has no webhook"))


@app.command("listen")
@reports_errors
def listen(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="On 127.0.0.1; 0 for any that is free.")] = 8787,
    secret: Annotated[str, typer.Option(envvar="MODELCOTE_WEBHOOK_SECRET", help="whsec_...")] = "",
    tls_cert: Annotated[Path | None, typer.Option(help="A PEM certificate: listens with TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its PEM key.")] = None,
    as_json: Json = False,
) -> None:
    """Receive webhooks on this machine: check each signature, print what came. Ends with Ctrl-C."""
    from modelcote.cli.receiver import Receiver

    if not secret:
        raise InvalidSpec("no signing secret is given.", "Make one: `cote webhooks secret --rotate`.", field="secret")
    if (tls_cert is None) != (tls_key is None):
        raise InvalidSpec("TLS takes a certificate and its key.", "Give --tls-cert and --tls-key.", field="tls_cert")
    tls = (tls_cert, tls_key) if tls_cert and tls_key else None
    with Receiver(port, secret, as_json=as_json, tls=tls) as receiver:
        show({"url": receiver.url}, as_json, lambda: print(f"listening at {receiver.url}", flush=True))
        try:
            receiver.serve_forever()
        except KeyboardInterrupt:
            return


def _read(path: Path) -> Any:
    if not path.is_file():
        raise InvalidSpec(f"there is no file {path}.", "Give the path of a JSON file.", field="auth_file")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        # No cause: it would show what stands in the file.
        raise MalformedJson(f"{path} is not JSON.", 'Write {"kind": "basic", "username": ..., ...}.') from None
