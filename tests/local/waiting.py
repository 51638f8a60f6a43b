"""Waiting for runs on the local cloud."""

from __future__ import annotations

from typing import Any

from tests.local.cloud import Cloud
from tests.support.waiting import until


def run_of(cloud: Cloud, run_id: str) -> Any:
    return cloud.get(f"/runs/{run_id}?wait=5").json()


def ended(cloud: Cloud, run_id: str) -> Any:
    return until(lambda: run_of(cloud, run_id), lambda run: run["state"] not in ("QUEUED", "RUNNING"))
