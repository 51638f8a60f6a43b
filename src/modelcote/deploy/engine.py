"""What runs the program on a snapshot: the Pulumi engine on AWS, the materialiser on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from modelcote.core.snapshot import Layer, Snapshot


class Engine(Protocol):
    """Makes the world what the snapshot says."""

    def up(self, snapshot: Snapshot) -> Mapping[str, Any]:
        """The program's outputs; raises a `ModelcoteError` when something could not be made."""
        ...


class Runtimes(Protocol):
    """Where a runtime's packages come from: virtual environments on a laptop, layers and environments on AWS."""

    def python_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Path:
        """An interpreter that has the runtime's packages, for build steps."""
        ...

    def layer_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Layer:
        """The runtime as the program's layer, made if it is not there yet."""
        ...

    def layer_of(self, key: str) -> Layer:
        """A layer that was made before, by its key."""
        ...
