"""Starting and ending a function's process.

It gets Lambda's variables and nothing of the user's own environment, runs in its own session, and on Linux is
killed by the kernel when the host dies, however it dies. Elsewhere it ends by itself at its next request to
the Runtime API.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from modelcote.local.functions import FunctionVersion
from modelcote.local.host.settings import HostSettings, aws_variables

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies (on Linux); called in the child before it executes."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def spawn(
    function: str, version: FunctionVersion, settings: HostSettings, port: int, stream: str
) -> subprocess.Popen[bytes]:
    """Start `awslambdaric` with the version's handler; raise OSError when the interpreter or the code is gone.

    Its variables are those that Lambda sets, then the function's own.
    """
    environment = {
        "PATH": f"{Path(version.python).parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "TMPDIR": "/tmp",  # noqa: S108 - Lambda's own scratch folder
        "PYTHONPATH": version.code,
        "PYTHONNOUSERSITE": "1",
        "LAMBDA_TASK_ROOT": version.code,
        "_HANDLER": version.handler,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_VERSION": version.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency" if version.provisioned else "on-demand",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python",
        **aws_variables(settings.emulator),
        # Functions call each other through the host's own Invoke API, without the emulator in between.
        "AWS_ENDPOINT_URL_LAMBDA": settings.url,
        **{key: value for key, value in version.environment.items() if not key.startswith("MINISTACK_")},
    }
    return subprocess.Popen(  # noqa: S603 - the interpreter is that of a runtime which `runtimes` has built
        [version.python, "-m", "awslambdaric", version.handler],
        cwd=version.code,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
        preexec_fn=partial(_die_with, os.getpid()),  # noqa: PLW1509 - it makes two system calls
    )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it started; it leads its own group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def resident_mb(pid: int) -> int:
    """Return a process's resident memory in MB; 0 where there is no `/proc` (memory limits are watched on Linux)."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE >> 20
    except (OSError, IndexError):
        return 0
