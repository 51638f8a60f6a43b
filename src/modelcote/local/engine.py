"""The laptop's engine: the program run by the materialiser, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelcote.core.errors import DeployFailed, from_problem
from modelcote.core.snapshot import Snapshot, snapshot_to_json
from modelcote.local.host.settings import HOST_VARIABLE

_TIMEOUT_S = 300


@dataclass(frozen=True)
class LocalEngine:
    """`settings` is the file with the program's settings; `environment` points at the emulator and names the host."""

    home: Path
    settings: Path
    environment: Mapping[str, str]

    def up(self, snapshot: Snapshot) -> Mapping[str, Any]:
        """The program's outputs; raises `DeployFailed` and what else the run reports."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            file.write(snapshot_to_json(snapshot))
            file.flush()
            done = subprocess.run(  # noqa: S603
                [
                    *(sys.executable, "-m", "modelcote.local.materialise"),
                    *("--home", str(self.home), "--snapshot", file.name, "--settings", str(self.settings)),
                    *("--emulator", self.environment["AWS_ENDPOINT_URL"], "--host", self.environment[HOST_VARIABLE]),
                ],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        try:
            said = json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError) as error:
            raise DeployFailed(
                f"the program did not run: {done.stderr.strip()[-600:]}", "Run `cote local reset` and deploy again."
            ) from error
        if "error" in said:
            raise from_problem(said["error"])
        outputs: Mapping[str, Any] = said["outputs"]
        return outputs
