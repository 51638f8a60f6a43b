"""`cote up`: the stack on AWS, by the Pulumi engine."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from modelcote.cli.output import Commands, Json, installed, show
from modelcote.core.errors import DeployFailed

app = Commands()


@app.command("up")
def up(
    stack: Annotated[str, typer.Option(help="Name of the stack: 1 to 20 of a-z, 0-9 and hyphens.")],
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1",
    backend: Annotated[str, typer.Option(help="Where Pulumi keeps its state: s3://bucket or file://folder.")] = "",
    as_json: Json = False,
) -> None:
    """Create or update a stack on AWS, with your AWS credentials."""
    outputs = dict(engine().stack_up(stack, region, backend))
    show(outputs, as_json, f"running at {outputs['url']}")


def engine() -> Any:
    """Return the module that drives the Pulumi engine; raise `DeployFailed` if it is not installed."""
    return installed("modelcote.deploy.stack", "the AWS engine", "aws", DeployFailed)
