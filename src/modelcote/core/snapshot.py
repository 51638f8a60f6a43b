"""The registry at one moment, as the Pulumi program sees it.

The program is a function of this value alone: it is read once, consistently and whole, before the graph is
built, and its digest is an output, so preview and up can be shown to have used the same one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modelcote.core.target import LAMBDA

_LAYER_PYTHON = re.compile(r"-py(\d+\.\d+)-")


@dataclass(frozen=True)
class Layer:
    """A runtime's packages: `key` is `<runtime>-py<version>-<hash of its lock>`, `archive` a folder or a zip.

    The archive is laid out as Lambda unpacks it under `/opt` (a `python/` folder at its root). On the laptop it
    is the runtime's virtual environment, which the function host starts functions with.
    """

    key: str
    runtime: str
    python_version: str
    archive: str


@dataclass(frozen=True)
class Package:
    """A function's code: a zip in the artifact bucket with its layers, or an image by digest.

    Exactly one of `s3_key` and `image_uri` is set. `sha256` is base64, as Lambda reports it.
    """

    sha256: str
    s3_key: str = ""
    layers: tuple[str, ...] = ()
    image_uri: str = ""

    @property
    def python_version(self) -> str:
        """The Python version of its layers, as their keys name it; empty for an image."""
        match = _LAYER_PYTHON.search(self.layers[0]) if self.layers else None
        return match[1] if match else ""


@dataclass(frozen=True)
class DeployedModel:
    """One model with the version that shall serve it. Sizes in MB and seconds."""

    project: str
    name: str
    version: int
    package: Package
    bundle_key: str
    bundle_sha256: str
    python_version: str
    memory_mb: int
    timeout_s: int
    min_replicas: int = 0
    max_replicas: int | None = None
    backend: str = LAMBDA


@dataclass(frozen=True)
class Snapshot:
    """Every model that shall exist, and the tombstones of those that shall not: `(project, name)` pairs."""

    models: tuple[DeployedModel, ...] = ()
    tombstones: tuple[tuple[str, str], ...] = ()
    layers: tuple[Layer, ...] = ()

    @property
    def digest(self) -> str:
        """The sha256 of the canonical JSON, in hexadecimal."""
        return hashlib.sha256(snapshot_to_json(self).encode()).hexdigest()


def snapshot_to_json(snapshot: Snapshot) -> str:
    """Canonical JSON: sorted keys, models by project and name, no white space."""
    data = asdict(snapshot)
    data["models"] = sorted(data["models"], key=lambda row: (row["project"], row["name"]))
    data["layers"] = sorted(data["layers"], key=lambda row: row["key"])
    data["tombstones"] = sorted(map(list, data["tombstones"]))
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def snapshot_from_json(text: str) -> Snapshot:
    """Read what `snapshot_to_json` wrote."""
    data = json.loads(text)
    return Snapshot(
        models=tuple(_model(row) for row in data["models"]),
        tombstones=tuple((project, name) for project, name in data["tombstones"]),
        layers=tuple(Layer(**row) for row in data["layers"]),
    )


def _model(row: Mapping[str, Any]) -> DeployedModel:
    package = dict(row["package"])
    package["layers"] = tuple(package["layers"])
    return DeployedModel(**{**row, "package": Package(**package)})
