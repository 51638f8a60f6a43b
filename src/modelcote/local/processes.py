"""The local cloud's processes: detached from the terminal, named by their folder, and ended whatever became of them."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_STOP_S = 8.0
_PROC = Path("/proc")
# What runs in a local cloud: our own modules, and functions under the Lambda runtime client.
_MODULES = (b"modelcote.local.", b"awslambdaric")
# They outlive this process on purpose: a handle that is dropped would warn of that, so each is kept.
_STARTED: list[subprocess.Popen[bytes]] = []


def start(module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start `python -m module arguments` in a session of its own, with its output in `log`."""
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module, *arguments],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _STARTED.append(process)
    return process


def stop(pid: int) -> bool:
    """End a process and its group with SIGTERM, after 8 s with SIGKILL; return whether it ended by itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_S
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    clean = not alive(pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return clean


def alive(pid: int) -> bool:
    """Return whether the process runs; a finished child of this one is reaped and counts as gone."""
    started = _started(pid)
    if started is not None:
        return started.poll() is None
    try:
        os.kill(pid, 0)
        return (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[:1] != [b"Z"]
    except ProcessLookupError:
        return False
    except OSError:
        return True


def _started(pid: int) -> subprocess.Popen[bytes] | None:
    return next((process for process in reversed(_STARTED) if process.pid == pid), None)


def is_ours(pid: int, home: Path) -> bool:
    """Return whether a recorded process is one of the local cloud at `home`: its pid may have been reused by now.

    One that this process has just started may not show its command yet. Without `/proc`, every one that runs counts.
    """
    return alive(pid) and (_started(pid) is not None or not _PROC.is_dir() or _belongs(pid, home))


def strays(home: Path) -> list[int]:
    """Return the processes of the local cloud at `home`, recorded or not: every process is examined (on Linux)."""
    pids = [int(entry.name) for entry in _PROC.glob("[0-9]*")]
    return [pid for pid in pids if pid != os.getpid() and _belongs(pid, home)]


def _belongs(pid: int, home: Path) -> bool:
    """Return whether a process was started with one of our modules and the folder; False where it cannot be read."""
    try:
        command = _words(pid, "cmdline")
        if not any(word.startswith(_MODULES) for word in command):
            return False
        values = [word.partition(b"=")[2] for word in _words(pid, "environ")]
    except OSError:
        return False
    below = os.fsencode(home)
    return any(word == below or word.startswith(below + b"/") for word in (*command, *values))


def _words(pid: int, what: str) -> list[bytes]:
    return (_PROC / str(pid) / what).read_bytes().split(b"\0")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock across processes; it ends with the process that holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def free_port(preferred: int = 0) -> int:
    """Return `preferred` if that port is free on 127.0.0.1, else another one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise OSError("no port is free on 127.0.0.1")
