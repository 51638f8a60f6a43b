"""A function host in the test's own process, with functions made of `handlers.py`."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelcote.local.functions import LATEST, FunctionDefinition, FunctionVersion, write_definition
from modelcote.local.host.__main__ import running
from modelcote.local.host.host import Answer, Host, Invocation
from modelcote.local.host.settings import HostSettings, Limits

CODE = str(Path(__file__).parent)
# Nothing listens there: logs go to files alone.
NO_EMULATOR = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Bench:
    """The host under test; `call` answers with the decoded body."""

    host: Host

    def define(self, handler: str, *, name: str = "f", reserved: int | None = None, **fields: Any) -> None:
        define(self.host.settings.home, handler, name=name, reserved=reserved, **fields)

    async def invoke(self, event: Any = None, *, name: str = "f", qualifier: str = "live") -> Answer:
        return await self.host.invoke(Invocation(name, qualifier, json.dumps(event).encode(), str(uuid.uuid4())))

    async def call(self, event: Any = None, **fields: Any) -> Any:
        return json.loads((await self.invoke(event, **fields)).outcome.body)

    def counts(self, name: str = "f") -> dict[str, int]:
        return {key: number for key, number in self.host.counts[name].items() if number}


def define(
    home: Path, handler: str, *, name: str = "f", version: str = "1", reserved: int | None = None, **fields: Any
) -> None:
    """Write a function of one version with the alias `live`."""
    made = FunctionVersion(version, handler, sys.executable, CODE, 512, 60)
    made = replace(made, **fields)
    write_definition(
        home / "functions",
        FunctionDefinition(
            name,
            f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
            {version: made, LATEST: replace(made, version=LATEST, provisioned=0)},
            {"live": version},
            reserved,
        ),
    )


@asynccontextmanager
async def on_host(home: Path, **limits: Any) -> AsyncIterator[Bench]:
    """Run a fresh host for the length of the block, with limits other than the usual ones."""
    async with running(HostSettings(home, 0, NO_EMULATOR, Limits(**limits))) as (host, _):
        yield Bench(host)


def runs(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def log_of(home: Path, name: str = "f") -> str:
    """The function's log file; complete once its host has ended."""
    return (home / "logs" / f"{name}.log").read_text(encoding="utf-8")
