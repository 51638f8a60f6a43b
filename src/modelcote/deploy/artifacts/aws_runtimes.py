"""Runtimes on AWS: virtual environments beside the deployer, layers in the artifact bucket."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import ClientError

from infra.components.layers import IN_BUCKET
from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Layer
from modelcote.core.texts import shortened
from modelcote.deploy.artifacts.layers import PLATFORMS, build_layer, uv
from modelcote.deploy.artifacts.runtimes import lock_path, parse_key, requirement_options, runtime_key
from modelcote.registry.store import Registry

_SECONDS = 900


class AwsRuntimes:
    """`cache` is the folder of the environments."""

    def __init__(self, registry: Registry, cache: Path | None = None, architecture: str = "x86_64") -> None:
        self.registry = registry
        self.cache = cache or Path(tempfile.gettempdir()) / "modelcote-runtimes"
        self.architecture = architecture

    def python_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Path:
        """Return the interpreter of a virtual environment with the runtime's lock, and the requirements on top."""
        folder = self.cache / runtime_key(runtime, python_version, requirements)
        python = folder / "bin" / "python"
        if python.exists():
            return python
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
            unfinished = Path(scratch) / "environment"
            _uv("venv", "--quiet", "--relocatable", "--python", python_version, str(unfinished))
            install = ("pip", "install", "--quiet", "--python", str(unfinished / "bin" / "python"))
            _uv(*install, "--require-hashes", "-r", str(lock_path(runtime)))
            if requirements:
                with requirement_options(requirements) as options:
                    _uv(*install, "--only-binary", ":all:", *options)
            if not folder.exists():
                unfinished.rename(folder)
        return python

    def layer_for(self, runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Layer:
        """Return the layer in the artifact bucket; build and upload it if it is not there."""
        layer = self._layer(runtime_key(runtime, python_version, requirements))
        if not self._exists(layer):
            python = self.python_for(runtime, python_version, requirements)
            with tempfile.TemporaryDirectory(prefix="modelcote-layer-") as folder:
                out = Path(folder) / "layer.zip"
                build_layer(
                    runtime,
                    python_version,
                    out,
                    platform=PLATFORMS[self.architecture],
                    requirements=requirements,
                    python=python,
                )
                self.registry.s3.upload_file(str(out), self.registry.bucket, self._key(layer.key))
        return layer

    def layer_of(self, key: str) -> Layer:
        """Return the layer of a package that was built before; it is where `layer_for` put it."""
        return self._layer(key)

    def _layer(self, key: str) -> Layer:
        runtime, python_version = parse_key(key)
        return Layer(key, runtime, python_version, f"{IN_BUCKET}{self._key(key)}")

    def _key(self, key: str) -> str:
        return f"layers/{self.architecture}/{key}.zip"

    def _exists(self, layer: Layer) -> bool:
        try:
            self.registry.s3.head_object(Bucket=self.registry.bucket, Key=self._key(layer.key))
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (403, 404):
                return False
            raise
        return True


def _uv(*words: str) -> None:
    command = [*uv(), *words]
    result = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
    if result.returncode != 0:
        raise DeployFailed(
            f"the runtime could not be installed: {shortened(' '.join(result.stderr.split()), 600)}",
            f"Check requirements_file, and that this machine has the Python version; this one is {sys.version[:4]}.",
        )
