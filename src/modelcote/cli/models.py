"""`cote deploy | predict | ls | show | versions | rollback | rm | logs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from modelcote.cli.aws import engine
from modelcote.cli.inputs import inputs_table
from modelcote.cli.output import Commands, Json, Table, client, read_file, show, show_fields
from modelcote.core.errors import InvalidSpec
from modelcote.core.strict_json import loads
from modelcote.sdk.answers import ModelView, VersionView

app = Commands()
Name = Annotated[str, typer.Argument(help="Name of the model.")]
MODELS = Table("models", ModelView, ("name", "state", "current_version", "runtime", "compiled", "updated_at"))
VERSIONS = Table("versions", VersionView, ("version", "state", "compiled", "created_at", "message"))


@app.command("deploy")
def deploy(
    file: Annotated[Path, typer.Argument(help="The saved model: a pickle, a joblib file, XGBoost's JSON or ONNX.")],
    name: Annotated[str, typer.Option(help="Name of the model: 1 to 20 of a-z, 0-9 and hyphens.")],
    model_type: Annotated[str, typer.Option("--type", help="Model type, for example SKLEARN_CLASSIFIER.")],
    hardware: Annotated[str, typer.Option(help="Hardware name; this version serves on CPU only.")] = "CPU",
    cpu: Annotated[int | None, typer.Option(help="vCPUs, 1 to 32; by default the backend chooses.")] = None,
    memory: Annotated[float | None, typer.Option(help="GB, 2 to 256; by default the backend chooses.")] = None,
    python_version: Annotated[str | None, typer.Option(help="3.11, 3.12 or 3.13; by default this Python's.")] = None,
    requirements: Annotated[str, typer.Option(help="A requirements.txt with further packages.")] = "",
    cooldown: Annotated[int, typer.Option(help="Seconds; checked, but without effect on Lambda.")] = 60,
    min_replicas: Annotated[int, typer.Option(help="Replicas kept warm.")] = 0,
    max_replicas: Annotated[int | None, typer.Option(help="At most this many replicas.")] = None,
    timeout: Annotated[int, typer.Option(help="Seconds per prediction.")] = 60,
    mode: Annotated[str, typer.Option(help="sync, or async: every predict call becomes a run.")] = "sync",
    no_compile: Annotated[bool, typer.Option("--no-compile", help="Serve the original, not a compiled form.")] = False,
    trusted: Annotated[bool, typer.Option("--trusted", help="Allow your own code in the pickle.")] = False,
    sample: Annotated[
        Path | None, typer.Option(help="A JSON file of rows on which the compiled form must equal the original.")
    ] = None,
    stack: Annotated[str, typer.Option(help="An AWS stack whose deploy requests this machine processes.")] = "",
    region: Annotated[str, typer.Option(help="With --stack: its AWS region.")] = "us-east-1",
    backend: Annotated[str, typer.Option(help="With --stack: where Pulumi keeps its state.")] = "",
    as_json: Json = False,
) -> None:
    """Deploy a model file as a new version."""
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
        sample=_read_json(f"@{sample}") if sample is not None else None,
        quiet=as_json,
    )
    aws = engine() if stack else None
    with client() as api:
        accepted = conduit.request_deploy(api)
        if aws is not None:
            aws.process_deploys(stack, region, backend)
        url = conduit.finish_deploy(api, accepted)
    show({"name": name, "predict_url": url}, as_json)


@app.command("predict")
def predict(
    name: Name,
    data: Annotated[str, typer.Argument(help="JSON, @FILE, or - for standard input.")] = "-",
    file: Annotated[list[Path] | None, typer.Option(help="A file for the `pre` processor; may be repeated.")] = None,
    background: Annotated[bool, typer.Option("--async", help="Submit a run, print its ID and do not wait.")] = False,
    webhook: Annotated[str, typer.Option(help="With --async: URL to notify when the run ends.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="With --async: wait and print the result.")] = False,
    as_json: Json = False,
) -> None:
    """Call a model and print its result."""
    if (webhook or wait) and not background:
        raise InvalidSpec("--webhook and --wait need --async.", "Add --async.", field="async")
    rows, files = _read_json(data), [*file] if file else None
    with client() as api:
        if background:
            run = api.submit(name, rows, webhook=webhook or None, files=files)
            if not wait:
                show(run.accepted, as_json, run.run_id)
                return
            answer: Mapping[str, Any] = {"run_id": run.run_id, "result": run.result()}
        else:
            answer = api.predict(name, rows, files)
    show(answer, as_json, json.dumps(answer["result"]))


@app.command("ls")
def ls(as_json: Json = False) -> None:
    """List the project's models."""
    with client() as api:
        MODELS.show(api.models(), as_json)


@app.command("show")
def show_model(name: Name, as_json: Json = False) -> None:
    """Show one model, and the inputs of the version that serves."""
    with client() as api:
        model = api.model(name)
        version = model["current_version"]
        schema = api.version(name, version).get("input_schema") if version else None
    if as_json:
        show({**model, "input_schema": schema}, as_json)
    else:
        rows, table = inputs_table(schema or {})
        show_fields({**model, "inputs": rows or None}, False, *([table] if rows else []))


@app.command("versions")
def versions(name: Name, as_json: Json = False) -> None:
    """List a model's versions."""
    with client() as api:
        VERSIONS.show(api.versions(name), as_json)


@app.command("rollback")
def rollback(
    name: Name,
    version: Annotated[int | None, typer.Option(help="Version to serve; by default the previous one.")] = None,
    as_json: Json = False,
) -> None:
    """Serve an earlier version again."""
    with client() as api:
        accepted = api.rollback(name, version)
        url = api.finish(accepted, _sayer(as_json))
    show({**accepted, "predict_url": url}, as_json)


@app.command("rm")
def rm(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a model with all its versions."""
    if not yes and not typer.confirm(f"Delete {name} and all its versions?"):
        raise typer.Exit(1)
    with client() as api:
        accepted = api.delete(name)
        api.finish(accepted, _sayer(as_json))
    show(accepted, as_json)


@app.command("logs")
def logs(
    name: Name,
    since: Annotated[str, typer.Option(help="A span such as 30m, 2h or 1d, or a time in ISO 8601.")] = "1h",
    limit: Annotated[int, typer.Option(help="At most this many lines.")] = 200,
    as_json: Json = False,
) -> None:
    """Show what a model's function has logged."""
    with client() as api:
        answer = api.logs(name, since, limit)
    show(answer, as_json, *(f"{row['at']} {row['text'].rstrip()}" for row in answer["lines"]))


def _sayer(as_json: bool) -> Callable[[str], None]:
    return (lambda _: None) if as_json else print


def _read_json(source: str) -> Any:
    """Read JSON from an argument, from `@file` or from standard input; raise `MalformedJson` and `InvalidSpec`."""
    if source.startswith("@"):
        source = read_file(Path(source[1:]), "data")
    elif source == "-":
        source = sys.stdin.read()
    return loads(source.encode(errors="surrogateescape"))
