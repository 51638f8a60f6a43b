"""The `cote` command and its groups."""

from __future__ import annotations

import typer

from modelcote.cli import aws, deliveries, doctor, keys, local, models, runs, secrets, webhooks

app = typer.Typer(
    help="Deploy trained models as serverless endpoints.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models.add_to(app)
doctor.add_to(app)
aws.add_to(app)
app.add_typer(runs.app, name="runs")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(keys.app, name="keys")
app.add_typer(secrets.app, name="secrets")
app.add_typer(local.app, name="local")
