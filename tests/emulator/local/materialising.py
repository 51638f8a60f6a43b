"""Runs of the materialiser on single resources."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelcote.deploy.program.monitor import Archive, Resource
from modelcote.local.materialise.maker import Context
from modelcote.local.materialise.materialiser import Materialiser
from modelcote.local.materialise.state import STATE, load_state
from tests.support.emulator import Emulator

FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
LAYER, QUEUE, TABLE = "aws:lambda/layerVersion:LayerVersion", "aws:sqs/queue:Queue", "aws:dynamodb/table:Table"
KEY, ROLE = "aws:kms/key:Key", "aws:iam/role:Role"


class Run:
    """One run of the materialiser on the state of the last."""

    def __init__(self, emulator: Emulator, home: Path) -> None:
        context = Context(home, emulator.url, "http://127.0.0.1:9", load_state(home / STATE))
        self.hands, self.context = Materialiser(context), context

    def make(self, kind: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        urn = f"urn:pulumi:local::modelcote::{kind}::{name}"
        return self.hands.create(Resource(urn, kind, name, "", True, inputs))

    def end(self) -> list[str]:
        self.context.state.save()
        return [urn.rsplit("::", 1)[1] for urn in self.hands.remove_the_rest()]


def archive(folder: Path, text: str) -> Archive:
    path = folder / f"{text}.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("code.py", text)
    return Archive(path=str(path))


def function(run: Run, folder: Path, name: str, text: str = "one", **inputs: Any) -> Mapping[str, Any]:
    """A function with its layer and its alias `live`."""
    environment = folder / "environment"
    (environment / "bin").mkdir(parents=True, exist_ok=True)
    layer, _ = run.make(LAYER, f"{name}-layer", {"layerName": name, "code": Archive(path=str(environment))})
    _, made = run.make(
        FUNCTION,
        name,
        {
            "name": name,
            "role": "arn:aws:iam::000000000000:role/r",
            "runtime": "python3.11",
            "handler": "code.handler",
            "code": archive(folder, text),
            "layers": [layer],
            "memorySize": 256,
            "timeout": 7,
            "publish": True,
            "environment": {"variables": {"A": "b"}},
            **inputs,
        },
    )
    run.make(ALIAS, f"{name}-live", {"functionName": name, "name": "live", "functionVersion": made["version"]})
    return made


def client(aws: Emulator, service: str) -> Any:
    return aws.client(service)
