"""Judges what was recorded by the protocol's invariants. Each breach is one line."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from standardwebhooks import Webhook as Verifier

from modelcote.core.runs import SUCCEEDED, TERMINAL, TIMED_OUT
from modelcote.runs.records import DELIVERED, EXHAUSTED
from tests.faults.drive import Told, history
from tests.faults.plan import RECEIVERS, Plan
from tests.faults.world import World

_SPARE = 5
_SCRIPTS = {name: script for name, script, _ in RECEIVERS}


def breaches(world: World, plan: Plan, told: Told) -> list[str]:
    """What does not hold; empty when all does."""
    rows = world.rows()
    runs = {row["run_id"]: row for row in rows if row["sk"].startswith("RUN#")}
    deliveries = {row["run_id"]: row for row in rows if row["sk"].startswith("DELIVERY#")}
    return [
        *_accepted(plan, told, runs),
        *_terminal(world, told, runs),
        *_results(world, plan, told, runs),
        *_webhooks(plan, told, runs, deliveries),
        *_signatures(plan, told),
        *_counters(rows),
    ]


def _accepted(plan: Plan, told: Told, runs: dict[str, Any]) -> list[str]:
    found = [f"job {job.number} was never accepted: {told.refused.get(job.number)}" for job in plan.jobs
             if not told.answered[job.number]]  # fmt: skip
    found += [f"job {number} has {len(ids)} runs" for number, ids in told.answered.items() if len(ids) > 1]
    named = {run_id for ids in told.answered.values() for run_id in ids}
    found += [f"run {run_id} was accepted and is lost" for run_id in named - runs.keys()]
    # A key and a body are one run, also where no 202 arrived.
    found += [f"run {run_id} has no job: the same request was accepted twice" for run_id in runs.keys() - named]
    return found


def _terminal(world: World, told: Told, runs: dict[str, Any]) -> list[str]:
    written: dict[str, list[str]] = defaultdict(list)
    for line in {line["token"]: line for line in history(world)}.values():
        written[line["run"]].append(f"{line['state']} by {line['by']}")
    found = [f"run {run_id} is {row['state']}" for run_id, row in runs.items() if row["state"] not in TERMINAL]
    found += [f"run {run_id} was ended {len(by)} times: {by}" for run_id, by in written.items() if len(by) > 1]
    found += [f"run {run_id} has changed after its end" for run_id in told.changed]
    return found


def _results(world: World, plan: Plan, told: Told, runs: dict[str, Any]) -> list[str]:
    s3, found = world.session.client("s3"), []
    bucket = _bucket(world)
    for job in plan.jobs:
        for run_id in told.answered[job.number] & runs.keys():
            row = runs[run_id]
            if row["state"] not in job.ends and not limit_reached(row):
                found.append(f"job {job.number} ({job.behaviour}) is {row['state']}: {row['error_json'][:200]}")
            if row["state"] == TIMED_OUT and not limit_reached(row):
                found.append(f"job {job.number} is TIMED_OUT before the model had used up its {row['run_limit_s']} s")
            if row["state"] == SUCCEEDED:
                body = json.loads(s3.get_object(Bucket=bucket, Key=row["result_key"])["Body"].read())
                if abs(body["result"][0] - 2 * job.number) > 1e-3:
                    found.append(f"job {job.number} has the result {body['result']}")
    return found


def limit_reached(row: Mapping[str, Any]) -> bool:
    """Tell whether the model's own function has reported that it used up the run's limit.

    On a busy machine that may happen to any job. Time spent waiting for a replica or a cold start is not in the report.
    """
    error = json.loads(row["error_json"] or "{}")
    return row["state"] == TIMED_OUT and error.get("run_time_ms", 0) >= 1_000 * row["run_limit_s"]


def _bucket(world: World) -> str:
    names = [row["Name"] for row in world.session.client("s3").list_buckets()["Buckets"]]
    return next(name for name in names if "artifacts" in name or "modelcote" in name)


def _webhooks(plan: Plan, told: Told, runs: dict[str, Any], deliveries: dict[str, Any]) -> list[str]:
    found = []
    for job in plan.jobs:
        for run_id in told.answered[job.number] & runs.keys():
            row, run = deliveries.get(run_id), runs[run_id]
            if not job.webhook:
                found += [f"job {job.number} has a delivery without a webhook"] if row else []
                continue
            if row is None:
                found.append(f"job {job.number}: its webhook was lost")
                continue
            took = [seen for _, seen in told.deliveries[job.number]]
            ids = {seen.headers.get("webhook-id") for seen in took}
            script = _SCRIPTS[job.webhook]
            if row["state"] not in (DELIVERED, EXHAUSTED):
                found.append(f"job {job.number}: its delivery is {row['state']}")
            # Ten attempts leave none to spare for a receiver that fails nine: one whose sender died before it sent, or
            # waited too long on a busy machine, is one of the ten too. All others are reached.
            if "200" in script[:_SPARE] and row["state"] != DELIVERED:
                found.append(f"job {job.number} ({job.webhook}): its delivery is {row['state']}: {row['reason']}")
            if row["state"] == DELIVERED and not took:
                found.append(f"job {job.number}: delivered, and no receiver saw it")
            if len(ids - {f"msg_{run_id}"}):
                found.append(f"job {job.number}: the ids {ids} for one delivery")
            if any(at < run["ended_at_s"] - 1 and run["ended_at_s"] for at, _ in told.deliveries[job.number]):
                found.append(f"job {job.number}: told before its end")
            states = {json.loads(seen.body)["data"]["state"] for seen in took}
            if states - {run["state"]}:
                found.append(f"job {job.number}: told {states}, and is {run['state']}")
    return [*found, *([f"{told.traps} connections to a trap"] if told.traps else [])]


def _signatures(plan: Plan, told: Told) -> list[str]:
    found = []
    for job in plan.jobs:
        for _, seen in told.deliveries[job.number]:
            if not any(_verifies(secret, seen) for secret in told.secrets):
                found.append(f"job {job.number}: a signature does not verify")
    return found


def _verifies(secret: str, seen: Any) -> bool:
    verifier = Verifier(secret)
    stamp = int(seen.headers["webhook-timestamp"])
    # The run of the plan may take longer than the five minutes that the package allows for.
    from datetime import UTC, datetime

    made = verifier.sign(seen.headers["webhook-id"], datetime.fromtimestamp(stamp, UTC), seen.body.decode())
    return made in seen.headers["webhook-signature"].split()


def _counters(rows: list[dict[str, Any]]) -> list[str]:
    total = sum(row["open"] for row in rows if row["sk"] == "OPEN")
    return [f"{total} runs are still counted as open"] if total else []


def summary(world: World, plan: Plan, told: Told) -> dict[str, Any]:
    """What was done, in numbers."""
    rows = world.rows()
    calls, struck = (world.counted(name).total() for name in ("calls", "struck"))
    states = Counter(row["state"] for row in rows if row["sk"].startswith("RUN#"))
    ends = Counter(row["state"] for row in rows if row["sk"].startswith("DELIVERY#"))
    attempts = sum(1 for row in rows if row["sk"].startswith("ATTEMPT#"))
    return {
        "seed": plan.seed,
        "plan": plan.digest,
        "jobs": len(plan.jobs),
        "took_s": round(told.took_s, 1),
        "calls": calls,
        "faults": struck,
        "share": round(struck / max(1, calls), 4),
        "runs": dict(states),
        "attempts of runs": dict(
            sorted(Counter(row["attempt"] for row in rows if row["sk"].startswith("RUN#")).items())
        ),
        "crashes, failures": [
            sum(row[name] for row in rows if row["sk"].startswith("RUN#")) for name in ("crashes", "failures")
        ],
        "limits reached": sum(limit_reached(row) for row in rows if row["sk"].startswith("RUN#")),
        "deliveries": dict(ends),
        "attempts of deliveries": attempts,
        "received": sum(map(len, told.deliveries.values())),
        "stopped processes": told.stops,
        "rotations": len(told.secrets) - 1,
        "redeployed": told.redeployed,
    }
