"""The local cloud as a whole: up, down, status, reset.

`up` starts the emulator, makes the program's resources on it, and starts the function host and the deployer. Each
process is recorded as soon as it runs; whatever interrupts `up` stops what it had started. The emulator keeps its
data, so models that were deployed answer again after `down` and `up`; when it was killed, all but the last second
of it, and `up` makes the resources again from what the registry holds.
"""

from __future__ import annotations

import json
import shutil
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from modelcote.core.errors import LocalCloudError
from modelcote.local import emulator, processes
from modelcote.local.functions import write_atomically
from modelcote.local.host.settings import HOST_VARIABLE
from modelcote.local.status import DEFAULT_PROJECT, STACK, Status

__all__ = ["DEFAULT_PROJECT", "STACK", "Status", "down", "read", "reset", "status", "up"]

_STATUS = "local.json"
# The emulator last: it saves its data when the others have ended.
_STOP_ORDER = ("deployer", "host", "emulator")


def up(home: Path, project: str = DEFAULT_PROJECT) -> Status:
    """Return a local cloud that runs below `home`, started unless it runs already. Raises `LocalCloudError`."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with processes.locked(home / ".lock"), _interruptible():
        before = read(home)
        if before is not None:
            if _all_alive(before):
                return before
            _stop(before, home)
        try:
            return _start(home, before, project)
        except BaseException:
            started = read(home)
            if started is not None:
                _stop(started, home)
            raise


def down(home: Path) -> bool:
    """Stop everything, and return whether anything ran. The data stays for the next `up`."""
    home = home.resolve()
    if not (home / _STATUS).is_file():
        return False
    with processes.locked(home / ".lock"):
        status = read(home)
        return status is not None and _stop(status, home)


def status(home: Path) -> Status | None:
    """Return what is recorded, with `running` as it is now; None where there has never been a local cloud."""
    recorded = read(home.resolve())
    return replace(recorded, running=_all_alive(recorded)) if recorded is not None else None


def reset(home: Path) -> None:
    """Stop everything and delete all data."""
    down(home)
    shutil.rmtree(home, ignore_errors=True)


def read(home: Path) -> Status | None:
    """Return the recorded status; raise `LocalCloudError` where the file is not one that `up` writes."""
    path = home / _STATUS
    if not path.is_file():
        return None
    try:
        return Status(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise LocalCloudError(f"{path} cannot be read.", f"Remove {home} and start again.") from error


def _write(home: Path, current: Status) -> Status:
    write_atomically(home / _STATUS, json.dumps(asdict(current), indent=1), mode=0o600)
    return current


def _start(home: Path, before: Status | None, project: str) -> Status:
    from modelcote.local.materialise.state import STATE, distrust
    from modelcote.local.platform import make_platform

    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    clean = _take_clean_mark(home)
    current = before or Status(str(home), project=project)
    if current.project != project:
        current = replace(current, project=project, api_key="")
    ports = {name: processes.free_port(current.ports.get(name, 0)) for name in ("emulator", "host")}
    models: list[str] = []
    if not clean or ports != dict(current.ports):
        # The last changes may be lost, or the outputs name ports that other programs use now.
        models = distrust(home / STATE, forget_models=not clean)
    current = _write(home, replace(current, pids={}, ports=ports, running=False, note=""))
    process = emulator.start_emulator(home / "emulator", ports["emulator"], logs / "emulator.log")
    current = _record(home, current, "emulator", process.pid)
    emulator.wait_until_ready(process, f"{current.emulator_url}/_ministack/health", logs / "emulator.log", "emulator")
    environment = {
        **emulator.client_environment(current.emulator_url),
        HOST_VARIABLE: current.host_url,
        "PYTHONUNBUFFERED": "1",
    }
    arguments = ["--home", str(home), "--port", str(ports["host"]), "--emulator", current.emulator_url]
    host = processes.start("modelcote.local.host", arguments, environment, logs / "host.log")
    current = _record(home, current, "host", host.pid)
    emulator.wait_until_ready(host, f"{current.host_url}/status", logs / "host.log", "function host")
    current = _write(home, make_platform(home, current, environment, [] if clean else models))
    deployer = processes.start("modelcote.local.deployer", ["--home", str(home)], environment, logs / "deployer.log")
    current = _record(home, current, "deployer", deployer.pid)
    _prewarm(current)
    return _write(home, replace(current, running=True))


def _record(home: Path, current: Status, name: str, pid: int) -> Status:
    return _write(home, replace(current, pids={**current.pids, name: pid}))


def _prewarm(current: Status) -> None:
    names = [f"modelcote-{STACK}-gateway", f"modelcote-{STACK}-control"]
    body = json.dumps({"functions": names}).encode()
    with urllib.request.urlopen(f"{current.host_url}/prewarm", body, timeout=30):  # noqa: S310  127.0.0.1
        return


def _all_alive(current: Status) -> bool:
    home = Path(current.home)
    return set(current.pids) == set(_STOP_ORDER) and all(processes.is_ours(pid, home) for pid in current.pids.values())


def _stop(current: Status, home: Path) -> bool:
    ran = False
    for name in _STOP_ORDER:
        pid = current.pids.get(name)
        if pid is not None and processes.is_ours(pid, home):
            ran = True
            if processes.stop(pid) and name == "emulator":
                (home / "clean").touch()
    for pid in processes.strays(home):
        # Started, and interrupted before it was recorded; or a run of the program that outlived its deployer.
        ran = True
        processes.stop(pid)
    _write(home, replace(current, pids={}, running=False))
    return ran


def _take_clean_mark(home: Path) -> bool:
    """Return whether the last stop was clean, and remove the mark, so that only another clean stop sets it again."""
    mark = home / "clean"
    clean = mark.is_file()
    mark.unlink(missing_ok=True)
    return clean


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have a closed terminal (SIGHUP) and SIGTERM end `up` as Ctrl-C does: through its own clean-up."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGHUP, signal.SIGTERM)
    try:
        before = {number: signal.signal(number, interrupt) for number in numbers}
    except ValueError:
        # Only the main thread may set signal handlers; a caller on another one keeps its own.
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
