"""The materialiser on the emulator, one run after the other on the same home."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelcote.deploy.program.monitor import Archive, Resource
from modelcote.local.functions import FunctionDefinition, read_definition
from modelcote.local.materialise.maker import Context
from modelcote.local.materialise.materialiser import Materialiser
from modelcote.local.materialise.state import STATE, load_state
from tests.support.emulator import Emulator

FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
LAYER, QUEUE, TABLE = "aws:lambda/layerVersion:LayerVersion", "aws:sqs/queue:Queue", "aws:dynamodb/table:Table"
ROLE_ARN = "arn:aws:iam::000000000000:role/r"
NO_HOST = "http://127.0.0.1:9"


def zipped(text: str) -> bytes:
    """A zip of one file with this text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("code.py", text)
    return out.getvalue()


class Run:
    """One run of the materialiser on the state of the last."""

    def __init__(self, home: Path, url: str) -> None:
        self.context = Context(home, url, NO_HOST, load_state(home / STATE))
        self.hands = Materialiser(self.context)

    def make(self, kind: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        urn = f"urn:pulumi:local::modelcote::{kind}::{name}"
        return self.hands.create(Resource(urn, kind, name, "", True, inputs))


class Bench:
    """Runs on one home, whose resources have a unique `name`, since the emulator is shared by all tests."""

    def __init__(self, aws: Emulator, home: Path) -> None:
        self.client, self.url, self.home, self.name = aws.client, aws.url, home, f"t-{uuid.uuid4().hex[:10]}"
        self.changed: list[str] = []

    def begin(self) -> Run:
        return Run(self.home, self.url)

    def run(self, make: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return what `make` does in a run of its own, once the run has ended; `changed` holds what it changed."""
        run = self.begin()
        outputs = make(run, *arguments, **options)
        self.changed = run.hands.changed
        run.context.state.save()
        self.removed = [urn.rsplit("::", 1)[1] for urn in run.hands.remove_the_rest()]
        return outputs

    def end(self) -> list[str]:
        """Return what a run that makes nothing removes."""
        self.run(lambda _: None)
        return self.removed

    def lose_state(self) -> None:
        (self.home / STATE).unlink(missing_ok=True)

    def function(self, run: Run, text: str = "one", **inputs: Any) -> Mapping[str, Any]:
        """Make a function with its layer and its alias `live`."""
        name, environment, code = self.name, self.home / "environment", self.home / f"{text}.zip"
        (environment / "bin").mkdir(parents=True, exist_ok=True)
        code.write_bytes(zipped(text))
        layer, _ = run.make(LAYER, f"{name}-layer", {"layerName": name, "code": Archive(path=str(environment))})
        settings = {"name": name, "role": ROLE_ARN, "runtime": "python3.11", "handler": "code.handler"}
        settings |= {"memorySize": 256, "timeout": 7, "environment": {"variables": {"A": "b"}}}
        packaged = {"code": Archive(path=str(code)), "layers": [layer], "publish": True}
        _, made = run.make(FUNCTION, name, {**settings, **packaged, **inputs})
        run.make(ALIAS, f"{name}-live", {"functionName": name, "name": "live", "functionVersion": made["version"]})
        return made

    def definition(self) -> FunctionDefinition | None:
        return read_definition(self.home / "functions", self.name)
