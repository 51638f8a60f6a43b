"""A runtime's layer: its locked wheels for Lambda's platform, without what serving never reads.

No Docker: wheels are fetched for the target, whatever machine this is. Sizes (unpacked, bytes) and what is left
for a model's own zip are in docs/architecture/07-deploy.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from modelcote.bundle.zips import tree, write_zip
from modelcote.core.errors import DeployFailed
from modelcote.core.texts import shortened
from modelcote.deploy.artifacts.runtimes import LockedRuntime, requirement_options

# A function's code and layers together, unpacked: 250 MB as AWS counts them.
LAMBDA_BYTES = 262_144_000
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
# Lambda's Python 3.11 is Amazon Linux 2 with glibc 2.26, later ones are Amazon Linux 2023 with glibc 2.34; uv knows
# 2.17 and 2.28 below these.
_OLD_PLATFORMS = {"x86_64": "x86_64-manylinux_2_17", "arm64": "aarch64-manylinux_2_17"}
_INSTALL_SECONDS = 900
_UNREAD_FOLDERS = ("tests", "test", "__pycache__")
_UNREAD_SUFFIXES = (
    ".a", ".c", ".cpp", ".f90", ".h", ".hpp", ".lib", ".pxd", ".pxi", ".pyi", ".pyx", ".tp",
)  # fmt: skip
# Compiles in the target's own interpreter, with names as Lambda sees them, and without sources beside.
_COMPILE = """
import compileall, py_compile, sys
ok = compileall.compile_dir(sys.argv[1], quiet=1, legacy=True, stripdir=sys.argv[1], prependdir=sys.argv[2],
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, workers=2)
sys.exit(not ok)
"""


def platform_of(architecture: str, python_version: str) -> str:
    """Return uv's name for Lambda's machine of this Python version."""
    return (_OLD_PLATFORMS if python_version == "3.11" else PLATFORMS)[architecture]


def build_layer(
    runtime: LockedRuntime, out: Path, *, platform: str = PLATFORMS["x86_64"], python: Path | None = None
) -> int:
    """Build the layer's zip at `out`; return its unpacked size in bytes.

    `python`: an interpreter of that version, to compile with; the layer then holds no sources, which saves a fifth of
    its size, and compiling at cold start. Without one it holds sources. Raises `DeployFailed` if there is no wheel
    for a distribution or the layer is too large.
    """
    with tempfile.TemporaryDirectory(prefix="modelcote-layer-") as folder:
        root = Path(folder) / "layer"
        lock = Path(folder) / "requirements.lock"
        lock.write_text(runtime.lock, encoding="utf-8")
        install(["--require-hashes", "-r", str(lock)], root, runtime.python_version, platform)
        if runtime.requirements:
            with requirement_options(runtime.requirements) as options:
                install(options, root, runtime.python_version, platform)
        strip(root)
        if python is not None:
            compile_sourceless(root, python, "/opt/python")
        size = sum(path.stat().st_size for _, path in tree(root))
        if size >= LAMBDA_BYTES:
            raise DeployFailed(
                f"the runtime {runtime.name} with its requirements is {size / 1e6:.0f} MB; Lambda's limit is "
                f"{LAMBDA_BYTES / 1e6:.0f} MB with the model.",
                "Use fewer or smaller requirements, or export the whole flow to ONNX.",
            )
        write_zip(out, (*tree(root, "python/"), *_openmp(root)))
    return size


def _openmp(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield OpenMP for LightGBM, whose wheel looks for the machine's: Lambda has none, and looks in a layer's `lib`."""
    if (root / "lightgbm").is_dir():
        for path in root.glob("scikit_learn.libs/libgomp-*.so.1*"):
            yield "lib/libgomp.so.1", path


def install(what: list[str], target: Path, python_version: str, platform: str) -> None:
    """Install wheels for another machine than this one; nothing of theirs runs while they are installed."""
    command = [*uv(), "pip", "install", "--quiet", "--target", str(target), "--only-binary", ":all:"]
    command += ["--python-version", python_version, "--python-platform", platform, *what]
    result = subprocess.run(  # noqa: S603 (uv, with checked requirement lines)
        command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    if result.returncode != 0:
        raise DeployFailed(
            f"the packages of the runtime could not be installed: {shortened(' '.join(result.stderr.split()), 600)}",
            "Check the versions in requirements_file: each needs a wheel for Linux and this Python.",
        )


def uv() -> list[str]:
    """Return the command of uv: beside the interpreter, or on the path."""
    beside = Path(sys.executable).with_name("uv")
    command = str(beside) if beside.exists() else shutil.which("uv")
    if not command:
        raise DeployFailed("uv is not installed.", 'Install it: pip install "modelcote[aws]".')
    return [command]


def strip(root: Path) -> None:
    """Remove tests, headers, type stubs and static libraries, which serving never reads."""
    for name in _UNREAD_FOLDERS:
        for folder in [path for path in root.rglob(name) if path.is_dir()]:
            shutil.rmtree(folder, ignore_errors=True)
    for path in [path for path in root.rglob("*") if path.suffix in _UNREAD_SUFFIXES and path.is_file()]:
        path.unlink()
    shutil.rmtree(root / "bin", ignore_errors=True)
    (root / ".lock").unlink(missing_ok=True)


def compile_sourceless(root: Path, python: Path, at: str) -> None:
    """Replace every `.py` by its `.pyc` in the same place, which Python imports without looking for a source."""
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG")}
    command = [str(python), "-I", "-c", _COMPILE, str(root), at]
    result = subprocess.run(  # noqa: S603 (an interpreter of ours)
        command, capture_output=True, text=True, env=clean, timeout=_INSTALL_SECONDS, check=False
    )
    if result.returncode != 0:
        raise DeployFailed(
            f"the runtime could not be compiled: {result.stdout.strip()[-300:]} {result.stderr.strip()[-300:]}",
            "Check that this interpreter has the runtime's Python version.",
        )
    for path in [path for path in root.rglob("*.py") if path.with_suffix(".pyc").exists()]:
        path.unlink()
