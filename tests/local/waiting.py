"""Waiting for runs on the local cloud."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.local.cloud import Cloud


def until(read: Callable[[], Any], holds: Callable[[Any], bool], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not holds(value := read()):
        assert time.monotonic() < deadline, value
        time.sleep(0.1)
    return value


def run_of(cloud: Cloud, run_id: str) -> Any:
    return cloud.get(f"/runs/{run_id}?wait=5").json()


def ended(cloud: Cloud, run_id: str, seconds: float = 40) -> Any:
    return until(lambda: run_of(cloud, run_id), lambda run: run["state"] not in ("QUEUED", "RUNNING"), seconds)
