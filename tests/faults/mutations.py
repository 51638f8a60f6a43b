"""What holds the promises up, taken out one at a time: some test must fail.

Each row names a part, how it is taken out, and the tests that are expected to miss it. `pytest -p
tests.faults.mutations` with `MODELCOTE_MUTATION=<part>` runs tests without the part.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Mutation:
    """`take_out` patches the code; `tests` are what pytest is given."""

    part: str
    take_out: Callable[[pytest.MonkeyPatch], None]
    tests: tuple[str, ...]


def _no_idempotency_row(patch: pytest.MonkeyPatch) -> None:
    from modelcote.runs import accept

    whole = accept._actions
    patch.setattr(accept, "_actions", lambda *given: whole(*given)[:2])


def _no_attempt_condition(patch: pytest.MonkeyPatch) -> None:
    from modelcote.runs import complete

    update = complete.update

    def unconditional(key: tuple[str, str], change: str, condition: str = "", **values: Any) -> dict[str, Any]:
        if not condition:
            return update(key, change, **values)
        for name in ("was", "attempt", "queued", "running"):
            values.pop(name, None)
        return update(key, change, "attribute_exists(#pk)", **values)

    patch.setattr(complete, "update", unconditional)


def _no_outbox_transaction(patch: pytest.MonkeyPatch) -> None:
    """The delivery is written when it is announced: after the terminal state, if the process still lives."""
    from modelcote.runs import complete

    outbox, announce = complete._outbox, complete._announce
    kept: dict[str, Any] = {}

    def remember(store: Any, run: Any, outcome: Any, at: float) -> list[dict[str, Any]]:
        kept[run.run_id] = outbox(store, run, outcome, at)
        return []

    def write_late(store: Any, run: Any) -> None:
        store.table.transact(*kept.pop(run.run_id))
        announce(store, run)

    patch.setattr(complete, "_outbox", remember)
    patch.setattr(complete, "_announce", write_late)


def _no_watchdog(patch: pytest.MonkeyPatch) -> None:
    from tests.support import runs_stand

    patch.setattr(runs_stand, "watch", lambda *_: {})


def _no_address_pinning(patch: pytest.MonkeyPatch) -> None:
    """The name's addresses are checked, and then the name is looked up again to connect."""
    from modelcote.webhooks import transport

    check = transport._resolve_in_time

    def look_up_again(target: Any, allowed: Any, getaddrinfo: Any, until: float) -> list[str]:
        check(target, allowed, getaddrinfo, until)
        return [row[4][0] for row in getaddrinfo(target.host, target.port)]

    patch.setattr(transport, "_resolve_in_time", look_up_again)


MUTATIONS = (
    Mutation("the idempotency row", _no_idempotency_row, ("tests/emulator/runs/test_accept.py",)),
    Mutation("the attempt condition", _no_attempt_condition, ("tests/emulator/runs/test_protocol.py",)),
    Mutation("the outbox transaction", _no_outbox_transaction, ("tests/emulator/webhooks/test_deliver.py",)),
    Mutation("the watchdog", _no_watchdog, ("tests/emulator/runs", "tests/emulator/webhooks/test_deliver.py")),
    Mutation("the address pinning", _no_address_pinning, ("tests/unit/webhooks/test_targets.py",)),
)


def pytest_configure(config: pytest.Config) -> None:
    """As a plugin: takes out the part that the environment names, for the whole session."""
    part = os.environ.get("MODELCOTE_MUTATION")
    if part is None:
        return
    patch = pytest.MonkeyPatch()
    next(row for row in MUTATIONS if row.part == part).take_out(patch)
    config.add_cleanup(patch.undo)
