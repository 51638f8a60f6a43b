"""The function host's settings and limits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT = "000000000000"
REGION = "us-east-1"
# Names the host to the processes of the local cloud.
HOST_VARIABLE = "MODELCOTE_HOST_URL"


def aws_variables(emulator: str) -> dict[str, str]:
    """Return the variables that point an AWS client at the emulator, away from the user's profile and any instance."""
    return {
        "AWS_ENDPOINT_URL": emulator,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True)
class Limits:
    """Lambda's own limits, and the laptop's (which has fewer cores than a region). Times in seconds."""

    # Lambda ends the first attempt to load a function after this and tries again within the call's own timeout.
    init_s: float = 10.0
    # How long an unused process is kept; Lambda's is not published, five to fifteen minutes are seen.
    idle_s: float = 600.0
    # Processes of one function version; further calls wait, where Lambda would start another environment.
    processes_per_version: int = field(default_factory=lambda: max(8, 2 * (os.cpu_count() or 1)))
    # Processes of all functions; above it the one idle for longest makes room.
    processes: int = 64
    # Processes of one version that load at the same time: more would only slow each other down.
    starting: int = field(default_factory=lambda: max(2, os.cpu_count() or 1))
    # A call waits this long for a busy process before another one is started.
    patience_s: float = 0.025
    # How often resident memory is looked at.
    memory_watch_s: float = 0.05


@dataclass(frozen=True)
class HostSettings:
    """Where the host listens, where the emulator is, and the folder that holds `functions/` and `logs/`."""

    home: Path
    port: int
    emulator: str
    limits: Limits = field(default_factory=Limits)

    @property
    def functions(self) -> Path:
        return self.home / "functions"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
