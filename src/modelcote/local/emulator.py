"""The emulator of AWS: ministack as a child process on 127.0.0.1, its data below the local cloud's folder."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from modelcote.core.errors import LocalCloudError
from modelcote.local import processes
from modelcote.local.host.settings import REGION

_READY_S = 20.0
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")


def aws_environment(url: str) -> dict[str, str]:
    """The variables that point any AWS client at the emulator, and none of the user's own AWS settings."""
    # Without bytecode every run of the program compiles the Pulumi SDK again, which takes it a second.
    dropped = ("AWS_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {
        **kept,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def start_emulator(folder: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start it; state is read from `folder`, and saved there within a second of each change."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    environment = {
        **kept,
        # It listens on every interface unless it is told not to, and opens a second port for MQTT.
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
    return processes.start("modelcote.local.saving", [], environment, log)


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, what: str) -> None:
    """Until `url` answers; raises `LocalCloudError` with the end of the log when it does not within 20 s."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  127.0.0.1
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.03)
    raise LocalCloudError(f"the {what} did not start. {tail(log)}", f"Read {log}, then run `cote local up` again.")


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log on one line."""
    if not log.is_file():
        return ""
    return " | ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def variables(url: str) -> Mapping[str, str]:
    """What the emulator's clients need in this very process."""
    return {name: value for name, value in aws_environment(url).items() if name.startswith("AWS_")}
