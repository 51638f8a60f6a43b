"""The port to the engine that runs the program: Pulumi's on AWS, the materialiser on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from modelcote.core.snapshot import Snapshot


class Engine(Protocol):
    """Brings the resources to what the snapshot says."""

    def up(self, snapshot: Snapshot) -> Mapping[str, Any]:
        """Return the program's outputs; raise a `ModelcoteError` if a resource could not be created."""
