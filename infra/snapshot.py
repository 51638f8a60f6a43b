"""The program's snapshot: from a file, or from the registry, read once and whole before the graph."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from modelcote.core.errors import DeployFailed
from modelcote.core.processes import ask
from modelcote.core.snapshot import Snapshot, snapshot_from_json

_READ_SECONDS = 300


@dataclass(frozen=True)
class Reading:
    """A snapshot of the registry. `table_exists` is False before the first `up`, when there is none."""

    snapshot: Snapshot
    table_exists: bool = True


def load_snapshot(file: str, *, stack: str, region: str, allow_empty: bool = False) -> Snapshot:
    """Return the snapshot in `file`, or the registry's if `file` is empty.

    Raises `DeployFailed` if it cannot be read, and if it has neither models nor tombstones: the plan of an empty
    snapshot deletes every model. `allow_empty` permits that.
    """
    if file:
        return _from_file(Path(file))
    reading = read_registry(stack, region)
    empty = not reading.snapshot.models and not reading.snapshot.tombstones
    if empty and reading.table_exists and not allow_empty:
        raise DeployFailed(
            "The registry table exists but holds no model.",
            "If that is right, run `pulumi config set modelcote:allowEmpty true`; else restore the table.",
        )
    return reading.snapshot


def _from_file(path: Path) -> Snapshot:
    try:
        return snapshot_from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeployFailed(f"{path} is not a snapshot: {error}.", "Use a file that the deployer wrote.") from error


def read_registry(stack: str, region: str) -> Reading:
    """Ask the deployer for a snapshot, in a process of its own: the program itself does not know the registry."""
    answer = ask(
        [sys.executable, "-m", "modelcote.deploy.queue.snapshot"],
        {"stack": stack, "region": region},
        what="reading the registry",
        remedy="Check the AWS credentials and the region.",
        timeout_s=_READ_SECONDS,
    )
    return Reading(snapshot_from_json(answer["snapshot"]), answer["table_exists"])
