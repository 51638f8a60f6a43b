"""A function host as a process of its own, beside the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from tests.emulator.local.materialising import Bench
from tests.support.emulator import Emulator, free_port
from tests.support.waiting import until_answers


@dataclass(frozen=True)
class HostProcess:
    """A running host; `home` holds its function definitions."""

    home: Path
    url: str
    emulator: Emulator
    process: subprocess.Popen[bytes]

    def client(self, service: str = "lambda", endpoint: str = "") -> Any:
        """A boto3 client of the host, or of another endpoint."""
        config = Config(retries={"max_attempts": 0})
        return self.emulator.session.client(service, endpoint_url=endpoint or self.url, config=config)  # type: ignore[call-overload]


@pytest.fixture
def host(emulator: Emulator, tmp_path: Path) -> Iterator[HostProcess]:
    """Started on an empty home, stopped by SIGTERM."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "modelcote.local.host"]
        + ["--home", str(tmp_path), "--port", str(port), "--emulator", emulator.url],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )
    try:
        until_answers(f"{url}/status", process)
        yield HostProcess(tmp_path, url, emulator, process)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def resources(aws: Emulator, tmp_path: Path) -> Bench:
    return Bench(aws, tmp_path)
