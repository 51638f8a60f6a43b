"""`cote deliveries ls | show | replay`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelcote.cli.output import Json, client, reports_errors, show, table
from modelcote.cli.runs import Limit, Model, RunId, Since, fields

app = typer.Typer(help="Webhooks, and how their deliveries went.", no_args_is_help=True)


@app.command("ls")
@reports_errors
def ls(
    model: Model = "",
    state: Annotated[str, typer.Option(help="PENDING, DELIVERED or EXHAUSTED.")] = "",
    since: Since = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List deliveries, the newest run's first."""
    with client() as api:
        found = api.deliveries(model=model, state=state, since=since, limit=limit)
    columns = ("run_id", "model", "event", "state", "attempts_made", "next_at", "delivered_at", "reason")
    show(found, as_json, lambda: table(found["deliveries"], columns))


@app.command("show")
@reports_errors
def show_delivery(run_id: RunId, as_json: Json = False) -> None:
    """Show a run's delivery and every attempt at it."""
    with client() as api:
        found = api.delivery(run_id)

    def people() -> None:
        fields({name: value for name, value in found.items() if name != "attempts"})
        table(found["attempts"], ("number", "at", "status", "error", "took_ms", "answer"))

    show(found, as_json, people)


@app.command("replay")
@reports_errors
def replay(
    run_id: Annotated[str, typer.Argument(help="One run's; or give --since.")] = "",
    since: Since = "",
    state: Annotated[str, typer.Option(help="EXHAUSTED, DELIVERED, or all but the pending ones.")] = "EXHAUSTED",
    model: Model = "",
    as_json: Json = False,
) -> None:
    """Send a delivery again, or all since a time, each under its own id."""
    with client() as api:
        if run_id:
            found = api.replay(run_id)
        else:
            found = api.replay(since=since, state=None if state == "all" else state, model=model)
    show(found, as_json, lambda: print(f"sent again: {run_id or found['replayed']}"))
