"""Lists of runs and of deliveries, the newest first. Ids sort by time, so an id is also a place in a list."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from modelcote.core.runs import first_run_id, is_run_id
from modelcote.runs.records import SHARDS, Attempt, Delivery, Run, delivery_key, partition
from modelcote.runs.store import RunStore

Listed = TypeVar("Listed", Run, Delivery)
_LOOKED_AT = 2_000  # Rows read for a page: a second's reading, even where none of them matches.


@dataclass(frozen=True)
class RunFilter:
    """Which rows: empty and 0 for all. Times are seconds since the epoch, of the run's acceptance; `cursor` is the
    last id of the page before.
    """

    model: str = ""
    state: str = ""
    since_s: float = 0
    until_s: float = 0
    cursor: str = ""


def list_runs(store: RunStore, project: str, where: RunFilter, limit: int) -> tuple[list[Run], str]:
    """Return at most `limit` runs, and the cursor of the next page (empty: there is none)."""
    return _page(store, project, "RUN#", where, limit, Run.from_item)


def list_deliveries(store: RunStore, project: str, where: RunFilter, limit: int) -> tuple[list[Delivery], str]:
    """Do as `list_runs` for deliveries; `where.state` is a delivery's."""
    return _page(store, project, "DELIVERY#", where, limit, Delivery.from_item)


def all_deliveries(store: RunStore, project: str, where: RunFilter) -> Iterator[Delivery]:
    """Yield every delivery that matches, the newest first."""
    return (row for row in _rows(store, project, "DELIVERY#", where, Delivery.from_item) if _matches(where, row))


def find_delivery(store: RunStore, project: str, run_id: str) -> Delivery | None:
    """Return the delivery of a run, or None."""
    item = store.table.get(*delivery_key(project, run_id)) if is_run_id(run_id) else None
    return Delivery.from_item(item) if item else None


def attempts(store: RunStore, delivery: Delivery) -> list[Attempt]:
    """Return every attempt at a delivery, in order."""
    pk, _ = delivery.key
    return [Attempt.from_item(item) for item in store.table.query(pk, f"ATTEMPT#{delivery.run_id}#")]


def _page(
    store: RunStore, project: str, prefix: str, where: RunFilter, limit: int, read: Callable[..., Listed]
) -> tuple[list[Listed], str]:
    """Return one page. It may be short, or empty, and still have a cursor: what is rare is searched for in pieces."""
    page: list[Listed] = []
    for number, row in enumerate(_rows(store, project, prefix, where, read)):
        if _matches(where, row):
            if len(page) == limit:
                return page, page[-1].run_id
            page.append(row)
        if number >= _LOOKED_AT:
            return page, row.run_id
    return page, ""


def _matches(where: RunFilter, row: Run | Delivery) -> bool:
    return where.model in ("", row.model) and where.state in ("", row.state)


def _rows(
    store: RunStore, project: str, prefix: str, where: RunFilter, read: Callable[..., Listed]
) -> Iterator[Listed]:
    low = first_run_id(where.since_s) if where.since_s else "0" * 32
    high = first_run_id(where.until_s) if where.until_s else "f" * 32
    before = min(high, where.cursor or high)
    if low >= before:
        return
    shards = (
        store.table.query(partition(project, shard), f"{prefix}{low}", before=f"{prefix}{before}", newest_first=True)
        for shard in range(SHARDS)
    )
    for item in heapq.merge(*shards, key=lambda item: str(item["run_id"]), reverse=True):
        # BETWEEN holds its upper end, which is the last of the page before.
        if item["run_id"] < before:
            yield read(item)
