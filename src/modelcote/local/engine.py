"""The laptop's engine: the program run by the materialiser, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelcote.core.processes import ask
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
        """Return the program's outputs. Raises `DeployFailed` and whatever else the run reports."""
        answer: Mapping[str, Any] = ask(
            [sys.executable, "-m", "modelcote.local.materialise"],
            {
                "home": str(self.home),
                "emulator": self.environment["AWS_ENDPOINT_URL"],
                "host": self.environment[HOST_VARIABLE],
                "snapshot": snapshot_to_json(snapshot),
                "settings": self.settings.read_text(encoding="utf-8"),
            },
            what="the program",
            remedy="Run `cote local reset` and deploy again.",
            timeout_s=_TIMEOUT_S,
            env=self.environment,
        )
        outputs: Mapping[str, Any] = answer["outputs"]
        return outputs
