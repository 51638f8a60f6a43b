"""The port to runtimes: what a build needs of the place where it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from modelcote.core.snapshot import Layer
from modelcote.deploy.artifacts.recipes import Recipe
from modelcote.deploy.artifacts.runtimes import LockedRuntime


class RuntimeProvider(Protocol):
    """`modelcote.local.runtimes` on a laptop (the module itself), `AwsRuntimes` on AWS."""

    def lock(self, recipe: Recipe) -> LockedRuntime:
        """Return the recipe locked for this place, by the same lock every time; raise `DeployFailed`."""

    def python_for(self, runtime: LockedRuntime) -> Path:
        """Return an interpreter with the runtime's packages."""

    def layer_for(self, runtime: LockedRuntime) -> Layer:
        """Return the runtime's layer; build it if there is none yet."""

    def layer_of(self, key: str) -> Layer:
        """Return a layer that was built before, by its key."""
