"""`cote deliveries ls | show | replay`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelcote.cli.output import Commands, Json, Table, client, show, show_fields
from modelcote.cli.runs import Limit, Model, RunId, Since
from modelcote.sdk.answers import AttemptView, DeliveryView

app = Commands(help="Webhook deliveries and their attempts.", no_args_is_help=True)
DELIVERIES = Table(
    "deliveries",
    DeliveryView,
    ("run_id", "model", "event", "state", "attempts_made", "next_at", "delivered_at", "reason"),
)
ATTEMPTS = Table("attempts", AttemptView, ("number", "at", "status", "error", "took_ms", "answer"))


@app.command("ls")
def ls(
    model: Model = "",
    state: Annotated[str, typer.Option(help="PENDING, DELIVERED or EXHAUSTED.")] = "",
    since: Since = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List deliveries, newest run first."""
    with client() as api:
        DELIVERIES.show(api.deliveries(model=model, state=state, since=since, limit=limit), as_json)


@app.command("show")
def show_delivery(run_id: RunId, as_json: Json = False) -> None:
    """Show a run's delivery and every attempt."""
    with client() as api:
        show_fields(api.delivery(run_id), as_json, ATTEMPTS)


@app.command("replay")
def replay(
    run_id: Annotated[str, typer.Argument(help="ID of the run whose delivery to send again; or use --since.")] = "",
    since: Since = "",
    state: Annotated[str, typer.Option(help="With --since: EXHAUSTED, DELIVERED, or all (but pending).")] = "EXHAUSTED",
    model: Model = "",
    as_json: Json = False,
) -> None:
    """Send one delivery again, or all since a time, each under the same webhook-id as before."""
    with client() as api:
        if run_id:
            show(api.replay(run_id), as_json, f"sent again: {run_id}")
        else:
            count = api.replay(since=since, state=None if state == "all" else state, model=model)
            show(count, as_json, f"sent again: {count['replayed']}")
