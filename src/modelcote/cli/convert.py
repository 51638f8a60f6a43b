"""`cote convert`: a file of a version that is too old to be served becomes one that can be deployed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from modelcote.cli.output import Commands, Json, show

app = Commands()


@app.command("convert")
def convert(
    file: Annotated[Path, typer.Argument(help="A pickle of scikit-learn before 1.1.3 or XGBoost before 1.7.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; by default beside the old one.")] = None,
    labels: Annotated[bool, typer.Option("--labels", help="A classifier answers labels, not probabilities.")] = False,
    as_json: Json = False,
) -> None:
    """Convert an old model file in an environment of the version that wrote it."""
    from modelcote.local.convert import convert as convert_file

    conversion = convert_file(file, out, labels=labels)
    lines = [
        f"loaded by {conversion.writer} on Python {conversion.python_version}",
        f"{conversion.file} answers the same on {conversion.rows} rows, within {conversion.difference:.2g}",
        f"deploy it: cote deploy {conversion.file} --name NAME --type {conversion.model_type}",
    ]
    if conversion.input:
        lines.append(f"call it: cote predict NAME '[{{\"{conversion.input}\": [[...], ...]}}]'")
    show(asdict(conversion), as_json, *lines)
