"""Build steps that run a stranger's model: a process of its own, no credentials, a clean folder, bounded."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from modelcote.core.errors import DeployFailed, from_problem

TIMEOUT_S = 180
MEMORY_BYTES = 8 * 1024**3  # What a model of the largest bundle (250 MB) has been seen to need, several times over.
# The process bounds itself before it loads anything: between fork and exec of a threaded process nothing may run.
_BOUNDED = f"""
import contextlib, runpy, sys
with contextlib.suppress(ImportError, OSError, ValueError):
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, ({TIMEOUT_S}, {TIMEOUT_S}))
    resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY_BYTES}, {MEMORY_BYTES}))
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def run_step(python: Path, code: Path, module: str, folder: Path) -> dict[str, Any]:
    """The JSON line that `python -m module folder` prints; raises the error that it reports, and `DeployFailed`."""
    with tempfile.TemporaryDirectory(prefix="modelcote-step-") as scratch:
        try:
            done = subprocess.run(  # noqa: S603
                [str(python), "-P", "-c", _BOUNDED, module, str(folder)],
                env={
                    "PATH": os.defpath,
                    "PYTHONPATH": str(code),
                    "PYTHONNOUSERSITE": "1",
                    "LANG": "C.UTF-8",
                    "HOME": scratch,
                    "TMPDIR": scratch,
                },
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DeployFailed(
                f"the build step took longer than {TIMEOUT_S} s.", "Deploy with compile=False, or a smaller model."
            ) from error
    lines = done.stdout.strip().splitlines()
    try:
        said = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        raise DeployFailed(
            f"the build step ended with status {done.returncode}: {done.stderr.strip()[-300:]}",
            "Load the model in your own process to see why.",
        ) from error
    if "error" in said:
        raise from_problem(said["error"])
    step: dict[str, Any] = said
    return step
