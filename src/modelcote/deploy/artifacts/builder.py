"""What a build needs of the place where it happens: interpreters of runtimes, and their layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from modelcote.core.snapshot import Layer


class Builder(Protocol):
    """`modelcote.local.runtimes` on a laptop (the module itself), `AwsBuilder` on AWS."""

    def python_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Path:
        """An interpreter with the runtime's packages, and `requirements` on top."""
        ...

    def layer_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Layer:
        """The runtime's layer, made if it is not there yet."""
        ...

    def layer_of(self, key: str) -> Layer:
        """A layer that was made before, by its key."""
        ...
