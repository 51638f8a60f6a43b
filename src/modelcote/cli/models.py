"""`cote deploy | predict | ls | show | versions | rollback | rm | logs`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from modelcote.cli.output import Json, client, reports_errors, show, table
from modelcote.core.errors import InvalidSpec, MalformedJson

Name = Annotated[str, typer.Argument(help="The model's name.")]


def add_to(app: typer.Typer) -> None:
    """Register this module's commands."""
    for command in (deploy, predict, ls, show_model, versions, rollback, rm, logs):
        name = {"show_model": "show"}.get(command.__name__, command.__name__)
        app.command(name)(reports_errors(command))


def deploy(
    file: Annotated[Path, typer.Argument(help="The saved model: .pkl, .json or .onnx.")],
    name: Annotated[str, typer.Option(help="1 to 20 characters of a-z, 0-9 and hyphens.")],
    model_type: Annotated[str, typer.Option("--type", help="For example SKLEARN_CLASSIFIER.")],
    hardware: Annotated[str, typer.Option(help="A hardware name.")] = "CPU",
    cpu: Annotated[int | None, typer.Option(help="vCPUs.")] = None,
    memory: Annotated[float | None, typer.Option(help="GB.")] = None,
    python_version: Annotated[str | None, typer.Option(help="3.11, 3.12 or 3.13.")] = None,
    requirements: Annotated[str, typer.Option(help="A requirements.txt.")] = "",
    cooldown: Annotated[int, typer.Option(help="Seconds.")] = 60,
    min_replicas: Annotated[int, typer.Option(help="Kept warm.")] = 0,
    max_replicas: Annotated[int | None, typer.Option(help="At most.")] = None,
    timeout: Annotated[int, typer.Option(help="Seconds per prediction.")] = 60,
    mode: Annotated[str, typer.Option(help="async: every predict call becomes a run.")] = "sync",
    no_compile: Annotated[bool, typer.Option("--no-compile", help="Serve the original.")] = False,
    trusted: Annotated[bool, typer.Option("--trusted", help="Let the pickle hold code of yours.")] = False,
    sample: Annotated[Path | None, typer.Option(help="JSON rows that the compiled form must answer alike.")] = None,
    stack: Annotated[str, typer.Option(help="An AWS stack whose requests this machine works off.")] = "",
    region: Annotated[str, typer.Option(help="The stack's region.")] = "us-east-1",
    backend: Annotated[str, typer.Option(help="Where Pulumi keeps the stack's state.")] = "",
    as_json: Json = False,
) -> None:
    """Deploy a model file as a new version."""
    from modelcote.cli.aws import engine_of
    from modelcote.sdk.conduit import Conduit

    conduit = Conduit(
        name,
        flow=(model_type, str(file)),
        hardware=hardware,
        cpu=cpu,
        memory=memory,
        python_version=python_version,
        requirements_file=requirements,
        cooldown=cooldown,
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        timeout=timeout,
        mode=mode,
        compile=not no_compile,
        trusted=trusted,
        sample=_read(f"@{sample}") if sample is not None else None,
        quiet=as_json,
    )
    engine = engine_of() if stack else None
    url = conduit.deploy(work_off=(lambda: engine.work_off(stack, region, backend)) if engine is not None else None)
    show({"name": name, "predict_url": url}, as_json, lambda: None)


def predict(
    name: Name,
    data: Annotated[str, typer.Argument(help="JSON, @file, or - for standard input.")] = "-",
    file: Annotated[list[Path] | None, typer.Option(help="A file for `pre`; may be repeated.")] = None,
    background: Annotated[bool, typer.Option("--async", help="Print a run's id; do not wait for the result.")] = False,
    webhook: Annotated[str, typer.Option(help="With --async: who is told of the run's end.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="With --async: print the result after all.")] = False,
    as_json: Json = False,
) -> None:
    """Call a model."""
    if (webhook or wait) and not background:
        raise InvalidSpec("--webhook and --wait belong to --async.", "Add --async.", field="async")
    rows, files = _read(data), [*file] if file else None
    with client() as api:
        if background:
            _submit(api, name, rows, files, webhook, wait=wait, as_json=as_json)
            return
        answer = api.predict(name, rows, files)
    show(answer, as_json, lambda: print(json.dumps(answer["result"])))


def _submit(api: Any, name: str, rows: Any, files: Any, webhook: str, *, wait: bool, as_json: bool) -> None:
    run = api.submit(name, rows, webhook=webhook or None, files=files)
    if not wait:
        show(run.accepted, as_json, lambda: print(run.run_id))
        return
    result = run.result()
    show({"run_id": run.run_id, "result": result}, as_json, lambda: print(json.dumps(result)))


def ls(as_json: Json = False) -> None:
    """List the project's models."""
    with client() as api:
        found = api.models()
    columns = ("name", "state", "current_version", "runtime", "compiled", "updated_at")
    show(found, as_json, lambda: table(found["models"], columns))


def show_model(name: Name, as_json: Json = False) -> None:
    """Show one model."""
    with client() as api:
        found = api.model(name)
    show(found, as_json, lambda: table([{"field": key, "value": value} for key, value in found.items()], _PAIR))


_PAIR = ("field", "value")


def versions(name: Name, as_json: Json = False) -> None:
    """List a model's versions."""
    with client() as api:
        found = api.versions(name)
    show(found, as_json, lambda: table(found["versions"], ("version", "state", "compiled", "created_at", "message")))


def rollback(
    name: Name,
    version: Annotated[int | None, typer.Option(help="The version to serve; by default the one before.")] = None,
    as_json: Json = False,
) -> None:
    """Serve an earlier version again."""
    with client() as api:
        accepted = api.rollback(name, version)
        url = api.finish(accepted, _sayer(as_json))
    show({**accepted, "predict_url": url}, as_json, lambda: None)


def rm(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a model with all its versions."""
    if not yes and not typer.confirm(f"Delete {name} and all its versions?"):
        raise typer.Exit(1)
    with client() as api:
        accepted = api.delete(name)
        api.finish(accepted, _sayer(as_json))
    show(accepted, as_json, lambda: None)


def logs(
    name: Name,
    since: Annotated[str, typer.Option(help="A time, as the log lines have it.")] = "",
    limit: Annotated[int, typer.Option(help="Lines.")] = 200,
    as_json: Json = False,
) -> None:
    """Show what a model's function logged."""
    with client() as api:
        found = api.logs(name, since, limit)
    show(found, as_json, lambda: print("\n".join(f"{row['at']} {row['text'].rstrip()}" for row in found["lines"])))


def _sayer(as_json: bool) -> Any:
    return (lambda _: None) if as_json else print


def _read(given: str) -> Any:
    """The JSON of an argument, of `@file` or of standard input; raises `MalformedJson` and `InvalidSpec`."""
    if given.startswith("@"):
        path = Path(given[1:])
        if not path.is_file():
            raise InvalidSpec(f"there is no file {path}.", "Give the path of a JSON file.", field="data")
        given = path.read_text(encoding="utf-8")
    elif given == "-":
        given = sys.stdin.read()
    try:
        return json.loads(given)
    except ValueError as error:
        raise MalformedJson(f"the data is not JSON: {error}.", "Give for example '[[1, 2, 3]]'.") from error
