"""`cote runs ls | show | wait | cancel`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from modelcote.cli.output import Commands, Json, Table, client, show, show_fields
from modelcote.sdk.answers import RunView

app = Commands(help="Predictions in the background.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(help="ID of the run, from `cote runs ls`.")]
Model = Annotated[str, typer.Option(help="Only this model's.")]
Since = Annotated[str, typer.Option(help="A span such as 30m, 2h or 1d, or a time in ISO 8601.")]
Limit = Annotated[int, typer.Option(help="At most this many, up to 200.")]
RUNS = Table(
    "runs", RunView, ("run_id", "model", "version", "state", "attempt", "created_at", "ended_at", "run_time_ms")
)


@app.command("ls")
def ls(
    model: Model = "",
    state: Annotated[str, typer.Option(help="For example RUNNING.")] = "",
    since: Since = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    with client() as api:
        RUNS.show(api.runs(model=model, state=state, since=since, limit=limit), as_json)


@app.command("show")
def show_run(run_id: RunId, as_json: Json = False) -> None:
    """Show a run and its result."""
    with client() as api:
        show_fields(api.run(run_id), as_json)


@app.command("wait")
def wait(
    run_id: RunId,
    timeout: Annotated[float | None, typer.Option(help="Seconds; without a limit by default.")] = None,
    as_json: Json = False,
) -> None:
    """Wait until a run has ended and print its result."""
    with client() as api:
        result = api.handle(run_id).result(timeout)
    show({"run_id": run_id, "result": result}, as_json, json.dumps(result))


@app.command("cancel")
def cancel(run_id: RunId, as_json: Json = False) -> None:
    """Cancel a run that has not ended."""
    with client() as api:
        show(api.cancel_run(run_id), as_json, f"canceled {run_id}")
