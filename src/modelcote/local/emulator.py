"""The emulator of AWS: ministack as a child process on 127.0.0.1, its data below the local cloud's folder."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from pathlib import Path

from modelcote.core.errors import LocalCloudError
from modelcote.local import processes
from modelcote.local.host.settings import REGION, aws_variables

_READY_S = 120.0  # A busy machine needs most of a minute; a process that ended is noticed at once.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")


def client_environment(url: str) -> dict[str, str]:
    """Return this environment with any AWS client pointed at the emulator, and none of the user's AWS settings."""
    # Without bytecode every run of the program compiles the Pulumi SDK again, which takes it a second.
    dropped = ("AWS_", "PYTHONDONTWRITEBYTECODE")
    return {name: text for name, text in os.environ.items() if not name.startswith(dropped)} | aws_variables(url)


def start_emulator(folder: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start the emulator; it reads its state from `folder`, and saves it there within a second of each change."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if name in _INHERITED},
        # By default it listens on every interface, and opens a second port for MQTT.
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    return processes.start("modelcote.local.emulator_main", [], environment, log)


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, what: str) -> None:
    """Wait until `url` answers; raise `LocalCloudError` with the end of the log when it does not within two minutes."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  127.0.0.1
                return
        except OSError:
            time.sleep(0.03)
    raise LocalCloudError(f"the {what} did not start. {_tail(log)}", f"Read {log}, then run `cote local up` again.")


def _tail(log: Path) -> str:
    """Return the last five lines of a log on one line."""
    return " | ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]) if log.is_file() else ""
