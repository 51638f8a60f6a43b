"""The port to runtimes: what a build needs of the place where it runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from modelcote.core.snapshot import Layer


class RuntimeProvider(Protocol):
    """`modelcote.local.runtimes` on a laptop (the module itself), `AwsRuntimes` on AWS."""

    def python_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Path:
        """Return an interpreter with the runtime's packages, and `requirements` on top."""

    def layer_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Layer:
        """Return the runtime's layer; build it if there is none yet."""

    def layer_of(self, key: str) -> Layer:
        """Return a layer that was built before, by its key."""
