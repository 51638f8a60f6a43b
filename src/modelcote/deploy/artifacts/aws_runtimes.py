"""Runtimes on AWS: virtual environments beside the deployer, layers in the artifact bucket."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from botocore.exceptions import ClientError

from infra.components.layers import IN_BUCKET
from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Layer
from modelcote.core.texts import shortened
from modelcote.deploy.artifacts import recipes
from modelcote.deploy.artifacts.layers import build_layer, platform_of, uv
from modelcote.deploy.artifacts.recipes import Recipe
from modelcote.deploy.artifacts.runtimes import LockedRuntime, parse_key, requirement_options
from modelcote.registry.store import Registry

_SECONDS = 900


class AwsRuntimes:
    """`cache` is the folder of the environments."""

    def __init__(self, registry: Registry, cache: Path | None = None, architecture: str = "x86_64") -> None:
        self.registry = registry
        self.cache = cache or Path(tempfile.gettempdir()) / "modelcote-runtimes"
        self.architecture = architecture

    def lock(self, recipe: Recipe) -> LockedRuntime:
        """Return the recipe locked for Lambda; a lock that was resolved before is in the artifact bucket."""
        if not recipe.lines and recipe.python_version == "3.11":
            # The committed locks' wheels need glibc 2.28; Lambda's Python 3.11 has 2.26.
            if recipe.fixed:
                raise DeployFailed(
                    "Lambda's Python 3.11 cannot load today's wheels.", "Save and deploy the model with Python 3.12."
                )
            recipe = replace(recipe, python_version="3.12")
        return recipes.lock(
            recipe, place=self.architecture, read=self._read_lock, write=self._write_lock, resolve=self._resolve
        )

    def _resolve(self, lines: str, python_version: str) -> str:
        words = recipes.compile_words(python_version, platform_of(self.architecture, python_version))
        result = _run(words, lines)
        if result.returncode != 0:
            raise recipes.unresolved(result.stderr, lines)
        return result.stdout

    def _read_lock(self, name: str) -> str | None:
        key = self._lock_key(name)
        if not self._exists(key):
            return None
        body = self.registry.s3.get_object(Bucket=self.registry.bucket, Key=key)["Body"].read()
        return str(body, "utf-8")

    def _write_lock(self, name: str, text: str) -> None:
        self.registry.s3.put_object(Bucket=self.registry.bucket, Key=self._lock_key(name), Body=text.encode())

    def python_for(self, runtime: LockedRuntime) -> Path:
        """Return the interpreter of a virtual environment with the runtime's lock, and the requirements on top."""
        folder = self.cache / runtime.key
        python = folder / "bin" / "python"
        if python.exists():
            return python
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
            unfinished = Path(scratch) / "environment"
            _uv("venv", "--quiet", "--relocatable", "--python", runtime.python_version, str(unfinished))
            install = partial(_uv, "pip", "install", "--quiet", "--python", str(unfinished / "bin" / "python"))
            lock = unfinished / "requirements.lock"
            lock.write_text(runtime.lock, encoding="utf-8")
            install("--require-hashes", "-r", str(lock))
            if runtime.requirements:
                with requirement_options(runtime.requirements) as options:
                    install("--only-binary", ":all:", *options)
            if not folder.exists():
                unfinished.rename(folder)
        return python

    def layer_for(self, runtime: LockedRuntime) -> Layer:
        """Return the layer in the artifact bucket; build and upload it if it is not there."""
        layer = self._layer(runtime.key)
        if not self._exists(self._key(layer.key)):
            python = self.python_for(runtime)
            with tempfile.TemporaryDirectory(prefix="modelcote-layer-") as folder:
                out = Path(folder) / "layer.zip"
                platform = platform_of(self.architecture, runtime.python_version)
                build_layer(runtime, out, platform=platform, python=python)
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

    def _lock_key(self, name: str) -> str:
        return f"layers/{self.architecture}/locks/{name}.lock"

    def _exists(self, key: str) -> bool:
        try:
            self.registry.s3.head_object(Bucket=self.registry.bucket, Key=key)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (403, 404):
                return False
            raise
        return True


def _uv(*words: str) -> None:
    result = _run(words)
    if result.returncode != 0:
        raise DeployFailed(
            f"the runtime could not be installed: {shortened(' '.join(result.stderr.split()), 600)}",
            f"Check requirements_file, and that this machine has the Python version; this one is {sys.version[:4]}.",
        )


def _run(words: Sequence[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [*uv(), *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
