"""The lease: one holder at a time, on the emulator's DynamoDB."""

from __future__ import annotations

import time

import pytest

from modelcote.core.errors import Conflict
from modelcote.deploy.queue.lease import KEY, held, release, take
from modelcote.registry.store import Registry
from tests.support.waiting import until


def end_of(registry: Registry) -> float:
    row = registry.table.get(*KEY)
    assert row is not None
    return float(row["until_s"])


def test_one_holder_at_a_time(registry: Registry) -> None:
    first = take(registry.table)
    assert first is not None
    assert take(registry.table) is None
    release(first)
    second = take(registry.table)
    assert second is not None
    assert second.token == first.token + 1


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_finds_out(registry: Registry) -> None:
    dead = take(registry.table, seconds=-1)
    assert dead is not None
    dead.check()
    alive = take(registry.table)
    assert alive is not None
    with pytest.raises(Conflict, match="taken over"):
        dead.check()
    alive.check()


def test_one_that_was_lost_neither_extends_nor_releases_the_next(registry: Registry) -> None:
    dead = take(registry.table, seconds=-1)
    alive = take(registry.table)
    assert dead is not None
    assert alive is not None
    dead.extend(1_000)
    release(dead)
    alive.check()
    assert time.time() < end_of(registry) < time.time() + 100


def test_it_is_extended_while_it_is_held(registry: Registry) -> None:
    with held(registry.table, seconds=0.6) as lease:
        before = end_of(registry)
        until(lambda: end_of(registry) > before)
        lease.check()


def test_it_is_given_back_also_after_an_error(registry: Registry) -> None:
    with pytest.raises(ZeroDivisionError), held(registry.table):
        raise ZeroDivisionError
    assert take(registry.table) is not None


def test_the_next_one_waits_for_it(registry: Registry) -> None:
    first = take(registry.table)
    assert first is not None
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        release(first)

    with held(registry.table, wait=wait) as second:
        assert second.token == first.token + 1
    assert len(waits) == 1
