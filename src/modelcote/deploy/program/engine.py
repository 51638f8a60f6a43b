"""What runs the program on a snapshot: the Pulumi engine on AWS, the materialiser on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from modelcote.core.snapshot import Snapshot


class Engine(Protocol):
    """Makes the world what the snapshot says."""

    def up(self, snapshot: Snapshot) -> Mapping[str, Any]:
        """The program's outputs; raises a `ModelcoteError` when something could not be made."""
        ...
