"""The lease that keeps engine runs one at a time, on whatever machine they are started.

The state backend's own lock has no expiry: a deployer that died would hold it for ever. This one expires,
is extended while its holder lives, and counts its holders: one with a lower number has lost it.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from modelcote.aws.table import ConditionFailed, Table, add
from modelcote.core.errors import Conflict

KEY = ("LEASE", "deploy")
SECONDS = 60


@dataclass
class Lease:
    """A lease that is held. `token` grows with every holder (a fencing token)."""

    table: Table
    owner: str
    token: int
    _lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise `Conflict` if another deployer has taken over: call it before changing anything."""
        row = None if self._lost.is_set() else self.table.get(*KEY)
        if row is None or row["token"] != self.token or row["owner"] != self.owner:
            self._lost.set()
            raise Conflict("another deployer has taken over.", "The request stays in the queue; nothing is lost.")

    def extend(self, seconds: float) -> None:
        """Extend the lease; if another holder has it, leave that alone and mark this one lost."""
        try:
            self.table.update(
                KEY,
                {"until_s": time.time() + seconds},
                "#owner = :owner AND #token = :token",
                owner=self.owner,
                token=self.token,
            )
        except ConditionFailed:
            self._lost.set()


def take(table: Table, seconds: float = SECONDS) -> Lease | None:
    """Return the lease, or None while another holder's has not expired."""
    owner, at = uuid.uuid4().hex, time.time()
    try:
        row = table.update(
            KEY,
            {"owner": owner, "until_s": at + seconds, "token": add(1)},
            "attribute_not_exists(#pk) OR #until_s < :at",
            at=at,
        )
    except ConditionFailed:
        return None
    return Lease(table, owner, row["token"])


def release(lease: Lease) -> None:
    """Release the lease; the row stays, so that the next token is higher."""
    with suppress(ConditionFailed):
        lease.table.update(
            KEY,
            {"until_s": 0},
            "#owner = :owner AND #token = :token",
            owner=lease.owner,
            token=lease.token,
        )


@contextmanager
def held(table: Table, *, seconds: float = SECONDS, wait: Callable[[float], object] = time.sleep) -> Iterator[Lease]:
    """Wait for the lease, extend it in the background, and release it at the end."""
    while (lease := take(table, seconds)) is None:
        wait(min(1.0, seconds / 4))
    finished = threading.Event()
    beat = threading.Thread(target=_beat, args=(lease, seconds, finished), name="lease", daemon=True)
    beat.start()
    try:
        yield lease
    finally:
        finished.set()
        beat.join()
        release(lease)


def _beat(lease: Lease, seconds: float, finished: threading.Event) -> None:
    while not finished.wait(seconds / 3):
        # Retried after a third of the time: two writes may fail before the lease is lost.
        with suppress(Exception):
            lease.extend(seconds)
