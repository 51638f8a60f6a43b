"""The local cloud as a whole: up, down, status, reset.

`up` starts the emulator, makes the program's resources on it, and starts the function host and the deployer. Each
process is recorded as soon as it runs; whatever interrupts `up` stops what it had started. The emulator keeps its
data, so models that were deployed answer again after `down` and `up`; when it was killed, all but the last second
of it, and `up` makes the resources anew from what the registry holds.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import signal
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from modelcote.core.errors import LocalCloudError
from modelcote.local import emulator, processes
from modelcote.local.functions import write_atomically
from modelcote.local.host.settings import HOST_VARIABLE

DEFAULT_PROJECT = "default"
STACK = "local"
_STATUS = "local.json"
# Emulator last: it saves its data while the others are gone already.
_STOP_ORDER = ("deployer", "host", "emulator")


@dataclass(frozen=True)
class Status:
    """A running local cloud. `pids` and `ports` by process: emulator, host, deployer. `note`: what `up` has to say."""

    home: str
    url: str = ""
    api_key: str = ""
    project: str = DEFAULT_PROJECT
    registry_table: str = ""
    bucket: str = ""
    deploy_queue_url: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    pids: Mapping[str, int] = field(default_factory=dict)
    running: bool = False
    note: str = ""

    def __repr__(self) -> str:
        return f"Status(home={self.home!r}, url={self.url!r}, running={self.running})"

    @property
    def emulator_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['emulator']}"


def up(home: Path, project: str = DEFAULT_PROJECT) -> Status:
    """A running local cloud below `home`; one that runs already is given back. Raises `LocalCloudError`."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(home), _interruptible():
        before = read(home)
        if before is not None and _all_alive(before):
            return before
        if before is not None:
            _stop(before, home)
        try:
            return _start(home, before, project)
        except BaseException:
            started = read(home)
            if started is not None:
                _stop(started, home)
            raise


def down(home: Path) -> bool:
    """Stop everything; whether anything ran. Data stays for the next `up`."""
    home = home.resolve()
    if not (home / _STATUS).is_file():
        return False
    with _locked(home):
        status = read(home)
        return status is not None and _stop(status, home)


def status(home: Path) -> Status | None:
    """What is recorded of the local cloud, with `running` as it is now; None where there never was one."""
    found = read(home.resolve())
    return replace(found, running=_all_alive(found)) if found is not None else None


def reset(home: Path) -> None:
    """Stop everything and forget all data."""
    down(home)
    shutil.rmtree(home, ignore_errors=True)


def read(home: Path) -> Status | None:
    """The recorded status; raises `LocalCloudError` for a file that is not ours."""
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
    known = before or Status(str(home), project=project)
    if known.project != project:
        known = replace(known, project=project, api_key="")
    ports = {name: processes.free_port(known.ports.get(name, 0)) for name in ("emulator", "host")}
    held: list[str] = []
    if not clean or ports != dict(known.ports):
        # The last changes may be lost, or the outputs name ports that are no longer ours.
        held = distrust(home / STATE, forget_models=not clean)
    current = _write(home, replace(known, pids={}, ports=ports, running=False, note=""))
    process = emulator.start_emulator(home / "emulator", ports["emulator"], logs / "emulator.log")
    current = _record(home, current, "emulator", process.pid)
    emulator.wait_until_ready(process, f"{current.emulator_url}/_ministack/health", logs / "emulator.log", "emulator")
    environment = {
        **emulator.aws_environment(current.emulator_url),
        HOST_VARIABLE: f"http://127.0.0.1:{ports['host']}",
        "PYTHONUNBUFFERED": "1",
    }
    host = processes.start(
        "modelcote.local.host",
        ["--home", str(home), "--port", str(ports["host"]), "--emulator", current.emulator_url],
        environment,
        logs / "host.log",
    )
    current = _record(home, current, "host", host.pid)
    emulator.wait_until_ready(host, f"http://127.0.0.1:{ports['host']}/status", logs / "host.log", "function host")
    current = _write(home, make_platform(home, current, environment, [] if clean else held))
    deployer = processes.start("modelcote.local.deployer", ["--home", str(home)], environment, logs / "deployer.log")
    current = _record(home, current, "deployer", deployer.pid)
    _prewarm(ports["host"])
    return _write(home, replace(current, running=True))


def _record(home: Path, current: Status, name: str, pid: int) -> Status:
    return _write(home, replace(current, pids={**current.pids, name: pid}))


def _prewarm(port: int) -> None:
    names = [f"modelcote-{STACK}-gateway", f"modelcote-{STACK}-control"]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/prewarm", data=json.dumps({"functions": names}).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310  127.0.0.1
        return


def _all_alive(current: Status) -> bool:
    home = Path(current.home)
    return set(current.pids) == set(_STOP_ORDER) and all(processes.is_ours(pid, home) for pid in current.pids.values())


def _stop(current: Status, home: Path) -> bool:
    ran = False
    for name in _STOP_ORDER:
        pid = current.pids.get(name)
        if pid is None or not processes.is_ours(pid, home):
            continue
        ran = True
        ended = processes.stop(pid)
        if name == "emulator" and ended:
            (home / "clean").touch()
    for pid in processes.strays(home):
        # Started, and interrupted before it was recorded; or a run of the program that outlived its deployer.
        ran = True
        processes.stop(pid)
    _write(home, replace(current, pids={}, running=False))
    return ran


def _take_clean_mark(home: Path) -> bool:
    """Whether the last stop was clean; the mark is taken away, so that only another clean stop sets it again."""
    mark = home / "clean"
    found = mark.is_file()
    mark.unlink(missing_ok=True)
    return found


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _interruptible() -> Iterator[None]:
    """A closed terminal (SIGHUP) or a SIGTERM ends `up` as Ctrl-C does: through its own clean-up."""

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
