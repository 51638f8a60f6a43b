"""Commands, each run to its end."""

from __future__ import annotations

import subprocess
from typing import Any


def run(*words: object, status: int | None = 0, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command, and fail with what it printed unless it ends with this status; None allows any."""
    command = [str(word) for word in words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)
    assert status in (None, done.returncode), done.stdout + done.stderr
    return done
