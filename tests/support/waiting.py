"""Waiting for what happens, never for time to pass."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(
    read: Callable[[], Value], holds: Callable[[Value], object] = bool, seconds: float = 120, pause_s: float = 0.05
) -> Value:
    """Return what `read` returns as soon as it `holds`. Only what never happens takes all the seconds.

    The pauses grow with the time that it takes, since reading takes that time from what is waited for.
    """
    started = time.monotonic()
    while not holds(value := read()):
        waited = time.monotonic() - started
        assert waited < seconds, value
        time.sleep(max(pause_s, min(1.0, waited / 10)))
    return value


def until_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server of this process answers."""

    def answers() -> bool:
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=10):
                return True
        except OSError:
            return False

    until(answers, pause_s=0.02)
