"""(e) Runs: acceptance beside a synchronous call, runs per second in both lanes, AWS calls and dollars per run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.table import Table

from bench.counted_cloud import BODY, CLIENTS, Receiver, Stand, accepted, standing
from bench.prices import dollars, item_bytes, who_calls

ACCEPTED = 200  # calls of each kind, in turns of ACCEPTED_AT_ONCE
ACCEPTED_AT_ONCE = 20
RUNS = 200
COUNTED = {1: 48, 10: 96}  # runs by the size of the batches that a worker is given
MOST_CALLS = 10
LANES: Mapping[str, Mapping[str, str]] = {"fast": {"x-modelcote-run-limit": "30"}, "long": {}}


def run() -> dict[str, Any]:
    """Return ms, runs per second, and by lane and batch: calls, invocations, units and dollars per million runs."""
    with standing() as stand:
        result: dict[str, Any] = {"accept_ms": _acceptance(stand, LANES["fast"])}
        result["end_to_end"] = {name: _throughput(stand, headers) for name, headers in LANES.items()}
        result["cost"] = {
            f"{name}, batches of {size}": _counted(stand, headers, size)
            for name, headers in LANES.items()
            for size in COUNTED
        }
        receiver = Receiver()
        headers = {**LANES["fast"], "x-modelcote-webhook": receiver.url}
        result["cost"]["hook, batches of 10"] = _counted(stand, headers, 10, receiver)
        receiver.close()
    calls = result["cost"]["fast, batches of 1"]["aws_calls_per_run"]["total"]
    result["check"] = f"at most {MOST_CALLS} AWS calls for a run of the fast lane: {calls:g}, "
    result["check"] += "kept" if calls <= MOST_CALLS else "NOT KEPT"
    return result


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return the result side by side."""
    waits, ends, cost = result["accept_ms"], result["end_to_end"], result["cost"]
    accept = _columns("one client, milliseconds", ["p50", "p99"])
    for name in ("respond_async", "synchronous"):
        accept.add_row(name, *(str(waits[name][percentile]) for percentile in ("p50", "p99")))
    accept.add_row("respond_async / synchronous", str(waits["p50_ratio"]), "")
    end = _columns(f"{RUNS} runs, {CLIENTS} clients", list(ends))
    for name in ("accepted_per_second", "runs_per_second", "accepted_to_ended_ms_p50", "accepted_to_ended_ms_p99"):
        end.add_row(name, *(str(lane[name]) for lane in ends.values()))
    tables = [accept, end]
    titles = {"aws_calls_per_run": "AWS calls per run", "dollars_per_million": "dollars per million runs"}
    for member, title in titles.items():
        table = _columns(title, [name.replace(", batches of ", " x") for name in cost])
        names = dict.fromkeys(name for one in cost.values() for name in one[member])
        for name in [*(name for name in names if name != "total"), "total"]:
            numbers = (one[member].get(name) for one in cost.values())
            table.add_row(_shown(name), *("" if number is None else f"{number:.1f}" for number in numbers))
        tables.append(table)
    tables[-1].caption = result["check"]
    return tables


def _shown(name: str) -> str:
    """Without the service, which the operation tells, and with short names of functions."""
    who, _, call = name.rpartition(": ")
    short = who.removeprefix("run-").removesuffix("-run").removesuffix("-webhook")
    return f"{short}: {call.partition(' ')[2]}" if who else name


def _columns(title: str, headings: list[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _acceptance(stand: Stand, headers: Mapping[str, str]) -> dict[str, Any]:
    """Time one client; the queue rests, so that only the acceptance is timed."""
    took: dict[str, list[float]] = {"respond_async": [], "synchronous": []}
    with stand.paused(), stand.http() as http:
        calls: dict[str, Callable[[], Any]] = {
            "respond_async": lambda: accepted(http, stand.url, headers),
            "synchronous": lambda: http.post(stand.url, json=BODY).raise_for_status(),
        }
        for turn in range(1 + ACCEPTED // ACCEPTED_AT_ONCE):  # by turns; the first warms every process
            for name, call in calls.items():
                for _ in range(ACCEPTED_AT_ONCE):
                    start = time.perf_counter()
                    call()
                    took[name] += [(time.perf_counter() - start) * 1000] * bool(turn)
    stand.ended()
    measured = {name: _percentiles(samples) for name, samples in took.items()}
    ratio = measured["respond_async"]["p50"] / measured["synchronous"]["p50"]
    return {**measured, "p50_ratio": round(ratio, 2)}


def _throughput(stand: Stand, headers: Mapping[str, str]) -> dict[str, float]:
    """Time from the first request until the last run has ended; the queue is consumed meanwhile."""
    stand.submit(CLIENTS * 2, headers)
    stand.ended()  # every process is warm before anything counts
    start = time.perf_counter()
    run_ids = stand.submit(RUNS, headers)
    submitted = time.perf_counter()
    stand.ended()
    ended = time.perf_counter()
    waits = [(float(row["ended_at_s"]["N"]) - float(row["created_at_s"]["N"])) * 1000 for row in stand.rows(run_ids)]
    return {
        "accepted_per_second": round(RUNS / (submitted - start), 1),
        "runs_per_second": round(RUNS / (ended - start), 1),
        **{f"accepted_to_ended_ms_{name}": value for name, value in _percentiles(waits).items()},
    }


def _counted(stand: Stand, headers: Mapping[str, str], batch: int, receiver: Receiver | None = None) -> dict[str, Any]:
    """Count what one run costs, with runs that wait in the queue until full batches can be received."""
    number = COUNTED[batch]
    stand.submit(CLIENTS, headers)
    stand.ended()
    if receiver:
        receiver.wait(CLIENTS)
    time.sleep(1)  # The last batch is deleted, and every log is written.
    before = stand.invocations()
    stand.counts("POST")
    with stand.paused(batch):
        run_ids = stand.submit(number, headers)
    stand.ended()
    if receiver:
        receiver.wait(CLIENTS + number)
    time.sleep(1)
    counts, after = stand.counts(), stand.invocations()
    row_bytes = max(item_bytes(row) for row in stand.rows(run_ids))
    invoked = {name: (after[name] - before[name]) / number for name in after if after[name] > before[name]}
    per_run = {name: many / number for name, many in sorted(counts["calls"].items())}
    units = {name: many / number for name, many in counts["units"].items()}
    long = "complete-run" in invoked
    if not long:
        per_run["lambda Invoke"] = invoked["model"]  # Those of the state machine are its transitions.
    states = stand.states(run_ids[0]) if long else 0
    shown = {f"{who_calls(name, long=long)}: {name}": round(many, 2) for name, many in sorted(per_run.items())}
    return {
        "aws_calls_per_run": {**shown, "total": round(sum(per_run.values()), 2)},
        "invocations_per_run": {name: round(many, 2) for name, many in invoked.items()},
        "states_per_run": states,
        "row_bytes": row_bytes,
        "dynamodb_units_per_run": {name: round(many, 2) for name, many in units.items()},
        "dollars_per_million": dollars(per_run, units, invoked, row_bytes, states),
    }


def _percentiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    return {"p50": round(statistics.median(ordered), 2), "p99": round(ordered[int(len(ordered) * 0.99) - 1], 2)}
