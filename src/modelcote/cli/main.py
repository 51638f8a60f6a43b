"""The `cote` command and its groups."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from modelcote.cli import aws, convert, deliveries, doctor, keys, local, models, runs, secrets, webhooks

# Each module holds its commands in `app`: those of ROOT follow `cote` directly, those of GROUPS the group's name.
ROOT = (models.app, convert.app, doctor.app, aws.app)
GROUPS = {
    "runs": runs.app,
    "deliveries": deliveries.app,
    "webhooks": webhooks.app,
    "keys": keys.app,
    "secrets": secrets.app,
    "local": local.app,
}


def make_app(groups: Mapping[str, typer.Typer] = GROUPS) -> typer.Typer:
    """Build the `cote` command."""
    command = typer.Typer(
        help="Deploy trained models as serverless endpoints.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for root in ROOT:
        command.add_typer(root)
    for name, group in groups.items():
        command.add_typer(group, name=name)
    return command


app = make_app()
