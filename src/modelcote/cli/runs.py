"""`cote runs ls | show | wait | cancel`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from modelcote.cli.output import Json, client, reports_errors, show, table

app = typer.Typer(help="Predictions in the background.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(help="As `cote runs ls` lists it.")]
Model = Annotated[str, typer.Option(help="Of this model only.")]
Since = Annotated[str, typer.Option(help="A span such as 30m, 2h or 1d, or a time in ISO 8601.")]
Limit = Annotated[int, typer.Option(help="How many at most, up to 200.")]


@app.command("ls")
@reports_errors
def ls(
    model: Model = "",
    state: Annotated[str, typer.Option(help="For example RUNNING.")] = "",
    since: Since = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List runs, the newest first."""
    with client() as api:
        found = api.runs(model=model, state=state, since=since, limit=limit)
    columns = ("run_id", "model", "version", "state", "attempt", "created_at", "ended_at", "run_time_ms")
    show(found, as_json, lambda: table(found["runs"], columns))


@app.command("show")
@reports_errors
def show_run(run_id: RunId, as_json: Json = False) -> None:
    """Show a run and its result."""
    with client() as api:
        found = api.run(run_id)
    show(found, as_json, lambda: fields(found))


@app.command("wait")
@reports_errors
def wait(
    run_id: RunId,
    timeout: Annotated[float | None, typer.Option(help="Seconds; for ever by default.")] = None,
    as_json: Json = False,
) -> None:
    """Wait for a run's end and print its result."""
    with client() as api:
        result = api.handle(run_id).result(timeout)
    show({"run_id": run_id, "result": result}, as_json, lambda: print(json.dumps(result)))


@app.command("cancel")
@reports_errors
def cancel(run_id: RunId, as_json: Json = False) -> None:
    """Cancel a run that has not ended."""
    with client() as api:
        found = api.cancel_run(run_id)
    show(found, as_json, lambda: print(f"canceled {run_id}"))


def fields(document: dict[str, Any]) -> None:
    """One line per field."""
    rows = [{"field": name, "value": _text(value)} for name, value in document.items()]
    table(rows, ("field", "value"))


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
