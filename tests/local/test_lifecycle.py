"""Up and down: what stays, what never stays, and what an interruption leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from modelcote import Conduit, model_type
from modelcote.local import cloud as local
from modelcote.local import processes
from tests.local.test_versions import constant_model
from tests.support.waiting import until

pytestmark = pytest.mark.local


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder of its own, with nothing running below it at the end."""
    folder = tmp_path / "home" / ".modelcote"
    yield folder
    local.down(folder)
    assert processes.strays(folder) == []


def answer(running: local.Status) -> int:
    """What the model `kept` says; a prediction that fails fails the test."""
    url = f"{running.url}/v1/{running.project}/kept/predict"
    got = httpx.post(url, json=[[1.0]], headers={"Authorization": running.api_key}, timeout=60)
    assert got.status_code == 200, got.text
    return round(got.json()["result"][0])


def deploy(running: local.Status, path: Path) -> None:
    flow = (model_type.SKLEARN, str(path))
    Conduit("kept", running.api_key, flow=flow, endpoint=running.url, project=running.project).deploy()


def test_models_and_keys_outlive_a_stop_a_kill_and_a_change_of_ports(home: Path, tmp_path: Path) -> None:
    first = local.up(home)
    deploy(first, constant_model(tmp_path, 7))
    assert local.down(home)

    second = local.up(home)
    assert (answer(second), second.url, second.api_key, second.note) == (7, first.url, first.api_key, "")

    _wait_until_saved(second)
    for pid in second.pids.values():
        os.kill(pid, signal.SIGKILL)
    # A process that is still ending counts as running.
    until(lambda: not any(processes.alive(pid) for pid in second.pids.values()))
    third = local.up(home)
    assert (answer(third), third.api_key) == (7, first.api_key)
    assert "1 of its models were restored" in third.note

    local.down(home)
    with ExitStack() as taken:
        for port in third.ports.values():
            taken.enter_context(socket.create_server(("127.0.0.1", port)))
        fourth = local.up(home)
        assert fourth.url != first.url
        assert answer(fourth) == 7
        deploy(fourth, constant_model(tmp_path, 8))
        assert answer(fourth) == 8
        local.down(home)


def _wait_until_saved(running: local.Status) -> None:
    """Write to the registry, and wait until that is on the disk; what was written before it is there by then."""
    body, headers = {"name": "written-last", "scopes": ["predict"]}, {"Authorization": running.api_key}
    url = f"{running.url}/v1/projects/{running.project}/keys"
    httpx.post(url, json=body, headers=headers, timeout=60).raise_for_status()
    state = Path(running.home) / "emulator" / "state" / "dynamodb.json"
    until(lambda: state.is_file() and "written-last" in state.read_text())


def test_up_is_idempotent_and_down_leaves_nothing_running(home: Path) -> None:
    running = local.up(home)
    assert local.up(home) == running
    found = local.status(home)
    assert found is not None
    assert found.running
    assert {"emulator", "host", "deployer"} == set(running.pids)
    assert set(processes.strays(home)) >= set(running.pids.values())
    assert local.down(home)
    assert processes.strays(home) == []
    assert not local.down(home)
    stopped = local.status(home)
    assert stopped is not None
    assert not stopped.running


def test_what_the_key_opens_is_readable_by_its_owner_alone_and_only_here(home: Path) -> None:
    running = local.up(home)
    assert (home / "local.json").stat().st_mode & 0o077 == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", running.ports["emulator"]), 2)
    assert _listening(set(running.pids.values())) == {"127.0.0.1"}


def _listening(pids: set[int]) -> set[str]:
    """The addresses on which these processes listen."""
    inodes = {
        os.readlink(link)
        for pid in pids
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if link.is_symlink() and os.readlink(link).startswith("socket:")
    }
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    found = [row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
    return {socket.inet_ntoa(bytes.fromhex(address)[::-1]) if len(address) == 8 else address for address in found}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("after", ["emulator", "host"])
def test_an_interrupted_up_leaves_nothing_half_running(home: Path, number: signal.Signals, after: str) -> None:
    # The signal arrives as soon as that process is recorded.
    program = f"""
import os
from pathlib import Path
from modelcote.local import cloud

record = cloud._record

def interrupted(home, current, name, pid):
    status = record(home, current, name, pid)
    if name == {after!r}:
        os.kill(os.getpid(), {number.value})
    return status

cloud._record = interrupted
cloud.up(Path({str(home)!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], stderr=subprocess.DEVNULL, start_new_session=True, timeout=120, check=False
    )
    assert done.returncode != 0
    recorded = local.read(home)
    assert recorded is not None
    assert bool(recorded.pids) == (number == signal.SIGKILL)
    if number != signal.SIGKILL:
        assert processes.strays(home) == []
    else:
        # A killed process cleans up nothing; the next command does.
        assert local.down(home)
        assert processes.strays(home) == []


def test_only_the_local_clouds_own_processes_count_as_its_own(tmp_path: Path) -> None:
    home = tmp_path / "a"
    with ExitStack() as running:

        def start(*words: str) -> int:
            command = [sys.executable, "-c", "import time; time.sleep(60)", *words]
            process = running.enter_context(subprocess.Popen(command))
            running.callback(process.kill)
            return process.pid

        own = start("modelcote.local.host", "--home", str(home))
        start("modelcote.local.host", "--home", f"{home}b")
        start("other.module", "--home", str(home))
        assert until(lambda: processes.strays(home)) == [own]
