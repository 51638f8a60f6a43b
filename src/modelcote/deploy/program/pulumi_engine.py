"""The Pulumi engine, driven by its Automation API in a process, a home and a working folder of its own.

A deployer that died leaves the stack locked, and its state may lack what exists: the next holder of our lease cancels,
refreshes and continues.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.config import Scope, Settings, settings_to_json
from modelcote.core.errors import DeployFailed
from modelcote.core.processes import ask
from modelcote.core.snapshot import Snapshot, snapshot_to_json

CLI_VERSION = "3.272.0"
_SECONDS = 3_300  # Less than the build's hour.
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
_PREFIXES = ("AWS_", "PULUMI_")


@dataclass(frozen=True)
class Task:
    """The task of the engine's process; snapshot and settings as JSON texts."""

    snapshot: str
    settings: str
    scope: Scope
    stack: str
    region: str
    backend_url: str
    work_dir: str
    pulumi_home: str


@dataclass(frozen=True)
class PulumiEngine:
    """`home` holds the plugins and the stack's local settings. `backend_url`: `s3://bucket` or `file://folder`."""

    settings: Settings
    backend_url: str
    home: Path
    scope: Scope = "all"

    def up(self, snapshot: Snapshot) -> Mapping[str, Any]:
        """Run `up` on the snapshot. Raises `DeployFailed`, also if the pulumi command is missing."""
        require_cli()
        pulumi_home = self.home / "pulumi"
        pulumi_home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="modelcote-pulumi-") as work_dir:
            task = Task(
                snapshot=snapshot_to_json(snapshot),
                settings=settings_to_json(self.settings),
                scope=self.scope,
                stack=stack_name(self.settings.stack, self.scope),
                region=self.settings.region,
                backend_url=self.backend_url,
                work_dir=work_dir,
                pulumi_home=str(pulumi_home),
            )
            return _run(task)


def stack_name(stack: str, scope: Scope) -> str:
    """Return the name of the Pulumi stack: a platform's models are in a stack of their own."""
    return f"{stack}-models" if scope == "model" else stack


def require_cli() -> str:
    """Return the pulumi command's path; raise `DeployFailed` saying how to install it."""
    command = shutil.which("pulumi")
    if command is None:
        raise DeployFailed(
            "The pulumi command is not on the path.",
            f"Install Pulumi {CLI_VERSION} (https://www.pulumi.com/docs/install/), or use the local cloud.",
        )
    return command


def _run(task: Task) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_PREFIXES)} | {
        "PULUMI_HOME": task.pulumi_home,
        "PULUMI_BACKEND_URL": task.backend_url,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # State in a folder is encrypted with a passphrase; the program has no secrets to put into it.
        "PULUMI_CONFIG_PASSPHRASE": os.environ.get("PULUMI_CONFIG_PASSPHRASE", ""),
    }
    outputs: dict[str, Any] = ask(
        [sys.executable, "-m", "modelcote.deploy.program.pulumi_run"],
        asdict(task),
        what="the engine",
        remedy="See the deployer's log, then deploy again: the engine resumes where it ended.",
        timeout_s=_SECONDS,
        env=environment,
        stderr=None,
    )
    return outputs
