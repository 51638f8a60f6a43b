"""`cote local up | down | status | env | reset`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import Any

import typer

from modelcote.cli.output import Json, reports_errors, show
from modelcote.core.errors import LocalCloudError
from modelcote.sdk.config import local_home

app = typer.Typer(help="The local cloud: everything on this machine, no account.", no_args_is_help=True)
_INSTALL = 'Install it: pip install "modelcote[local]".'


def _cloud() -> Any:
    try:
        from modelcote.local import cloud
    except ImportError as error:
        raise LocalCloudError(f"the local cloud is not installed here ({error.name} is missing).", _INSTALL) from error
    return cloud


@app.command("up")
@reports_errors
def up(as_json: Json = False) -> None:
    """Start it, or show the one that runs."""
    status = _cloud().up(local_home())
    show(
        asdict(status),
        as_json,
        lambda: print(
            *([status.note] if status.note else []),
            f"running at {status.url}",
            f"project {status.project}",
            'next: eval "$(cote local env)"',
            sep="\n",
        ),
    )


@app.command("down")
@reports_errors
def down(as_json: Json = False) -> None:
    """Stop it; its data stays."""
    ran = _cloud().down(local_home())
    show({"stopped": ran}, as_json, lambda: print("stopped" if ran else "nothing was running"))


@app.command("status")
@reports_errors
def status(as_json: Json = False) -> None:
    """Show what runs."""
    found = _cloud().status(local_home())
    document = asdict(found) if found is not None else {"running": False}
    document.pop("api_key", None)
    running = bool(document["running"])
    show(document, as_json, lambda: print(f"running at {document['url']}" if running else "not running"))


@app.command("env")
@reports_errors
def env(as_json: Json = False) -> None:
    """Print the variables that point SDK and CLI at it, for `eval`."""
    found = _cloud().status(local_home())
    if found is None or not found.running:
        raise LocalCloudError("no local cloud runs here.", "Start it with `cote local up`.")
    variables = {
        "MODELCOTE_URL": found.url,
        "MODELCOTE_API_KEY": found.api_key,
        "MODELCOTE_PROJECT": found.project,
    }
    lines = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    show(variables, as_json, lambda: print(lines))


@app.command("reset")
@reports_errors
def reset(as_json: Json = False) -> None:
    """Stop it and forget all its data."""
    _cloud().reset(local_home())
    show({"reset": True}, as_json, lambda: print("all data is gone"))
