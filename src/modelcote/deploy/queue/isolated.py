"""Build steps that run a customer's model: a process of its own, no credentials, a clean folder, bounded."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from modelcote.core.processes import ask

TIMEOUT_S = 180
MEMORY_BYTES = 8 * 1024**3  # Several times what a model of the largest bundle (250 MB) was seen to need.
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


def run_step(python: Path, code: Path, module: str, folder: Path) -> Any:
    """Return what `python -m module` answers to the folder; raise the error that it reports, or `DeployFailed`."""
    with tempfile.TemporaryDirectory(prefix="modelcote-step-") as scratch:
        return ask(
            [str(python), "-P", "-c", _BOUNDED, module],
            str(folder),
            what="the build step",
            remedy="Load the model in your own process to see why; a smaller one, or compile=False, needs less.",
            timeout_s=TIMEOUT_S,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": str(code),
                "PYTHONNOUSERSITE": "1",
                "LANG": "C.UTF-8",
                "HOME": scratch,
                "TMPDIR": scratch,
            },
            cwd=Path(scratch),
        )
