"""`cote local up | down | status | env | reset`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import Any

from modelcote.cli.output import Commands, Json, installed, show
from modelcote.core.errors import LocalCloudError
from modelcote.sdk.config import local_home

app = Commands(help="The local cloud: everything on this machine, without an account.", no_args_is_help=True)


def _cloud() -> Any:
    return installed("modelcote.local.cloud", "the local cloud", "local", LocalCloudError)


@app.command("up")
def up(as_json: Json = False) -> None:
    """Start the local cloud, or show the one that is running."""
    status = _cloud().up(local_home())
    show(
        asdict(status),
        as_json,
        *([status.note] if status.note else []),
        f"running at {status.url}",
        f"project {status.project}",
        'next: eval "$(cote local env)"',
    )


@app.command("down")
def down(as_json: Json = False) -> None:
    """Stop the local cloud; its data stays."""
    stopped = _cloud().down(local_home())
    show({"stopped": stopped}, as_json, "stopped" if stopped else "nothing was running")


@app.command("status")
def status(as_json: Json = False) -> None:
    """Show whether the local cloud is running, and where."""
    current = _cloud().status(local_home())
    document = asdict(current) if current is not None else {"running": False}
    document.pop("api_key", None)
    running = bool(document["running"])
    show(document, as_json, f"running at {document['url']}" if running else "not running")


@app.command("env")
def env(as_json: Json = False) -> None:
    """Print the variables that point the SDK and the CLI at the local cloud, for `eval`."""
    current = _cloud().status(local_home())
    if current is None or not current.running:
        raise LocalCloudError("no local cloud is running here.", "Start it with `cote local up`.")
    variables = {
        "MODELCOTE_URL": current.url,
        "MODELCOTE_API_KEY": current.api_key,
        "MODELCOTE_PROJECT": current.project,
    }
    lines = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    show(variables, as_json, lines)


@app.command("reset")
def reset(as_json: Json = False) -> None:
    """Stop the local cloud and delete all its data."""
    _cloud().reset(local_home())
    show({"reset": True}, as_json, "deleted all data")
