"""Runtimes on the laptop: virtual environments made from the lock files that build the layers on AWS.

An environment is named by the hash of its locks, made once and shared by every local cloud of the user
(`$MODELCOTE_CACHE`, by default `~/.cache/modelcote`). It holds the Lambda runtime's own packages (awslambdaric and
boto3), which AWS provides, and then the runtime's, which come later and so win where both name one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import uv

from modelcote.core.errors import LocalCloudError
from modelcote.core.project import project_root
from modelcote.core.snapshot import Layer
from modelcote.core.texts import shortened
from modelcote.deploy.artifacts.runtimes import lock_path, parse_key, requirement_options, runtime_key
from modelcote.local.package_index import uv_environment
from modelcote.local.processes import locked

_TIMEOUT_S = 900


def cache_folder() -> Path:
    """Return the folder in which environments are kept."""
    named = os.environ.get("MODELCOTE_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelcote"


def environment_for(runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Path:
    """Return the folder of a runtime's environment, built unless it exists; `requirements` are installed on top.

    Raises `LocalCloudError` naming what could not be installed.
    """
    provided = hashlib.sha256(_lambda_lock().read_bytes()).hexdigest()[:6]
    folder = cache_folder() / "runtimes" / f"{runtime_key(runtime, python_version, requirements)}-{provided}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            _make(folder, runtime, python_version, requirements)
    return folder


def python_for(runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Path:
    """Return the interpreter of a runtime's environment."""
    return environment_for(runtime, python_version, requirements) / "bin" / "python"


def layer_for(runtime: str, python_version: str, requirements: Sequence[str] = ()) -> Layer:
    """Return the runtime as the program's layer, whose archive is the environment's folder."""
    folder = environment_for(runtime, python_version, requirements)
    return Layer(runtime_key(runtime, python_version, requirements), runtime, python_version, str(folder))


def layer_of(key: str) -> Layer:
    """Return the layer of an environment that was built before; raise `LocalCloudError` where the cache lost it."""
    folders = [one for one in (cache_folder() / "runtimes").glob(f"{key}-*") if one.suffix not in (".lock", ".tmp")]
    if not folders:
        raise LocalCloudError(f"the runtime {key} is no longer in {cache_folder()}.", "Deploy its models again.")
    return Layer(key, *parse_key(key), str(folders[0]))


def _make(folder: Path, runtime: str, python_version: str, requirements: Sequence[str]) -> None:
    unfinished = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    python = unfinished / "bin" / "python"
    _uv("venv", "--quiet", "--relocatable", "--python", _interpreter(python_version), str(unfinished))
    install = ("pip", "install", "--quiet", "--compile-bytecode", "--python", str(python))
    for lock in (_lambda_lock(), lock_path(runtime)):
        _uv(*install, "--require-hashes", "--no-deps", "-r", str(lock))
    if requirements:
        with requirement_options(requirements) as options:
            _uv(*install, *options)
    unfinished.rename(folder)


def _lambda_lock() -> Path:
    """Return the lock of what AWS's own Python runtime holds besides the standard library."""
    return project_root() / "runtime-images" / "lambda" / "requirements.lock"


def _interpreter(python_version: str) -> str:
    if python_version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    process = _run_uv("python", "find", "--no-python-downloads", python_version)
    if process.returncode:
        raise LocalCloudError(
            f"there is no Python {python_version} on this machine.",
            f"Install it, or deploy with python_version {sys.version_info.major}.{sys.version_info.minor}.",
        )
    return process.stdout.strip()


def _uv(*words: str) -> None:
    process = _run_uv(*words)
    if process.returncode:
        reason = shortened(" ".join(process.stderr.split()), 600)
        raise LocalCloudError(f"a runtime could not be installed: {reason}", "Check the requirements and the network.")


def _run_uv(*words: str) -> subprocess.CompletedProcess[str]:
    command, environment = [uv.find_uv_bin(), *words], uv_environment()
    try:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise LocalCloudError("installing a runtime took too long.", "Check the network, and deploy again.") from error
