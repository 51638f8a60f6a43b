"""Runtimes on the laptop: virtual environments made from the lock files that build the layers on AWS.

A lock that is resolved for a model's versions is kept in the same place. An environment is named by the hash of its
locks, made once and shared by every local cloud of the user
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
from contextlib import suppress
from pathlib import Path

import uv

from modelcote.core.errors import LocalCloudError
from modelcote.core.project import project_root
from modelcote.core.snapshot import Layer
from modelcote.core.texts import shortened
from modelcote.deploy.artifacts import recipes
from modelcote.deploy.artifacts.recipes import Recipe
from modelcote.deploy.artifacts.runtimes import LockedRuntime, parse_key, requirement_options
from modelcote.local.functions import write_atomically
from modelcote.local.package_index import uv_environment
from modelcote.local.processes import locked

_TIMEOUT_S = 900


def cache_folder() -> Path:
    """Return the folder in which environments are kept."""
    named = os.environ.get("MODELCOTE_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelcote"


def lock(recipe: Recipe) -> LockedRuntime:
    """Return the recipe locked for this machine; raise `DeployFailed` where there are no wheels for it."""
    return recipes.lock(recipe, place=sys.platform, read=_read_lock, write=_write_lock, resolve=_resolve)


def _resolve(lines: str, python_version: str) -> str:
    process = _run_uv(*recipes.compile_words(python_version), stdin=lines)
    if process.returncode:
        raise recipes.unresolved(process.stderr, lines)
    return process.stdout


def _lock_file(name: str) -> Path:
    return cache_folder() / "locks" / f"{name}.lock"


def _read_lock(name: str) -> str | None:
    with suppress(FileNotFoundError):
        return _lock_file(name).read_text(encoding="utf-8")
    return None


def _write_lock(name: str, text: str) -> None:
    _lock_file(name).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(_lock_file(name), text)


def environment_for(runtime: LockedRuntime) -> Path:
    """Return the folder of a runtime's environment, built unless it exists.

    Raises `LocalCloudError` naming what could not be installed.
    """
    provided = hashlib.sha256(_lambda_lock().read_bytes()).hexdigest()[:6]
    folder = cache_folder() / "runtimes" / f"{runtime.key}-{provided}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            _make(folder, runtime)
    return folder


def python_for(runtime: LockedRuntime) -> Path:
    """Return the interpreter of a runtime's environment."""
    return environment_for(runtime) / "bin" / "python"


def layer_for(runtime: LockedRuntime) -> Layer:
    """Return the runtime as the program's layer, whose archive is the environment's folder."""
    return Layer(runtime.key, runtime.name, runtime.python_version, str(environment_for(runtime)))


def layer_of(key: str) -> Layer:
    """Return the layer of an environment that was built before; raise `LocalCloudError` where the cache lost it."""
    folders = [one for one in (cache_folder() / "runtimes").glob(f"{key}-*") if one.suffix not in (".lock", ".tmp")]
    if not folders:
        raise LocalCloudError(f"the runtime {key} is no longer in {cache_folder()}.", "Deploy its models again.")
    return Layer(key, *parse_key(key), str(folders[0]))


def _make(folder: Path, runtime: LockedRuntime) -> None:
    unfinished = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    python = unfinished / "bin" / "python"
    _uv("venv", "--quiet", "--relocatable", "--python", interpreter(runtime.python_version), str(unfinished))
    own = unfinished / "requirements.lock"
    own.write_text(runtime.lock, encoding="utf-8")
    install = ("pip", "install", "--quiet", "--compile-bytecode", "--python", str(python))
    for path in (_lambda_lock(), own):
        _uv(*install, "--require-hashes", "--no-deps", "-r", str(path))
    if runtime.requirements:
        with requirement_options(runtime.requirements) as options:
            _uv(*install, *options)
    unfinished.rename(folder)


def plain_environment(folder: Path, python_version: str, lines: Sequence[str]) -> Path:
    """Make a virtual environment of these requirements in `folder`, wheels only; return its interpreter."""
    python = folder / "bin" / "python"
    _uv("venv", "--quiet", "--python", interpreter(python_version), str(folder))
    _uv("pip", "install", "--quiet", "--python", str(python), "--only-binary", ":all:", "joblib", *lines)
    return python


def _lambda_lock() -> Path:
    """Return the lock of what AWS's own Python runtime holds besides the standard library."""
    return project_root() / "runtime-images" / "lambda" / "requirements.lock"


def interpreter(python_version: str) -> str:
    """Return a Python interpreter of that version: this one, the machine's, or one that uv can install.

    Raises `LocalCloudError` where there is none.
    """
    if python_version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    find = ("python", "find", "--no-python-downloads", python_version)
    process = _run_uv(*find)
    if process.returncode and not _run_uv("python", "install", python_version).returncode:
        process = _run_uv(*find)
    if process.returncode:
        raise LocalCloudError(
            f"there is no Python {python_version} on this machine, and uv could not install it.",
            f"Install Python {python_version}; `uv python install {python_version}` shows what is in the way.",
        )
    return process.stdout.strip()


def _uv(*words: str) -> None:
    process = _run_uv(*words)
    if process.returncode:
        reason = shortened(" ".join(process.stderr.split()), 600)
        raise LocalCloudError(f"a runtime could not be installed: {reason}", "Check the requirements and the network.")


def _run_uv(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command, environment = [uv.find_uv_bin(), *words], uv_environment()
    try:
        return subprocess.run(  # noqa: S603
            command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise LocalCloudError("installing a runtime took too long.", "Check the network, and deploy again.") from error
