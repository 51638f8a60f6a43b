"""A function's package: the bundle, the part of modelcote that serves it, and its .pyc files.

Python without .pyc files compiles at every cold start, which doubles it; here they are made by the target's own
interpreter and marked as never to be checked against their source.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from modelcote.bundle.zips import tree, write_zip
from modelcote.core.errors import DeployFailed
from modelcote.core.project import project_root

_SOURCE = Path(__file__).resolve().parents[2]
SERVING = ("core", "aws", "flow", "serving")
# What a build compiles with; no model's package holds it.
COMPILER = (*SERVING, "compile")
PLATFORM = (
    *("core", "aws", "identity", "bundle", "backends", "registry", "runs", "webhooks"),
    *("gateway", "control", "dialects"),
)
_DATA = (".py", ".json")


def build_package(bundle: Path, out: Path, python: Path, work: Path) -> Path:
    """Make the zip of a model's function: `bundle/` (an unpacked bundle) beside the serving code. Deterministic.

    `work` is a folder where the compiled serving code is kept between packages.
    """
    return write_zip(out, [*tree(bundle, "bundle/"), *tree(staged_code(SERVING, python, work))])


def platform_package(out: Path, python: Path) -> Path:
    """Make the zip of the platform's functions: their handlers and what these import."""
    handlers = project_root() / "handlers"
    with tempfile.TemporaryDirectory(prefix="modelcote-platform-") as folder:
        staged = staged_code(PLATFORM, python, Path(folder), extra=[("handlers", handlers)])
        return write_zip(out, tree(staged))


def project_package(out: Path) -> Path:
    """Make the zip of the project itself, from which the deployer on AWS installs; from a checkout only."""
    root = project_root()
    folders = [
        pair for name in ("src", "infra", "handlers", "runtime-images") for pair in tree(root / name, f"{name}/")
    ]
    files = [(name, root / name) for name in ("pyproject.toml", "README.md", "LICENSE", "Pulumi.yaml")]
    return write_zip(out, [*files, *(pair for pair in folders if "__pycache__" not in pair[0])])


def staged_code(parts: Sequence[str], python: Path, work: Path, extra: Iterable[tuple[str, Path]] = ()) -> Path:
    """Return a folder with these packages of modelcote, compiled by `python`; made once for the same sources.

    It holds nothing else, so that it can be on the path of another environment.
    """
    sources = [*_sources(parts), *((f"{name}/{path.name}", path) for name, folder in extra for path in _files(folder))]
    digest = hashlib.sha256(str(python).encode())
    for name, path in sources:
        digest.update(name.encode() + b"\0" + path.read_bytes())
    staged = work / f"code-{digest.hexdigest()[:16]}"
    if staged.is_dir():
        return staged
    work.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=work, prefix="code-"))
    for name, path in sources:
        target = unfinished / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    _compile(unfinished, python)
    try:
        unfinished.rename(staged)
    except OSError:
        # Another build of the same code was faster; its folder is the same.
        shutil.rmtree(unfinished)
    return staged


def _sources(parts: Sequence[str]) -> list[tuple[str, Path]]:
    sources = [("modelcote/__init__.py", _SOURCE / "__init__.py")]
    for part in parts:
        sources += [
            (f"modelcote/{path.relative_to(_SOURCE).as_posix()}", path)
            for path in sorted((_SOURCE / part).rglob("*"))
            if path.suffix in _DATA
        ]
    return sources


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in _DATA)


def _compile(folder: Path, python: Path) -> None:
    words = [str(python), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder)]
    result = subprocess.run(  # noqa: S603
        [*words, "-p", "/var/task", str(folder)],
        env={"PATH": os.environ.get("PATH", "")},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise DeployFailed(
            f"the serving code could not be compiled: {result.stderr.strip()[-300:]}", "Install modelcote again."
        )
