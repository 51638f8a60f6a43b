"""The plan of faults: a function of the seed alone, made before anything runs.

A fault strikes at a named point: a function of the platform and the AWS call that it is about to make, or has made,
for one run. Each fault strikes a number of times and no more, in whichever process.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from random import Random

from modelcote.core.runs import CANCELED, FAILED, SUCCEEDED, TIMED_OUT

# What may happen at a call of a function. `kill`: SIGKILL before or after it; `lose`: it is made, and its answer lost.
KILL_BEFORE, KILL_AFTER, LOSE, THROTTLE, ERROR = "kill before", "kill after", "lose", "throttle", "error"
SLOW, TRUNCATE, COPIES, LATE = "slow", "truncate", "copies", "late"

# By point: (kind, times at most, weight).
_FAULTS: dict[str, tuple[tuple[str, int, int], ...]] = {
    # A kill between the commit and the message; every try to send one fails.
    "gateway dynamodb.TransactWriteItems": ((KILL_BEFORE, 1, 2), (KILL_AFTER, 1, 4), (LOSE, 1, 3), (THROTTLE, 3, 4)),
    "gateway sqs.SendMessage": ((ERROR, 9, 6), (COPIES, 5, 8), (LATE, 1, 8), (LOSE, 1, 3)),
    # A kill before the model is called; after the upload, before the terminal write; before the message is deleted.
    "run-worker dynamodb.UpdateItem": ((THROTTLE, 4, 6), (KILL_BEFORE, 1, 2), (KILL_AFTER, 1, 4), (LOSE, 1, 4)),
    "run-worker lambda.Invoke": ((THROTTLE, 3, 5), (ERROR, 2, 4), (KILL_AFTER, 1, 4)),
    "run-worker dynamodb.TransactWriteItems": ((THROTTLE, 4, 6), (LOSE, 1, 4), (KILL_AFTER, 1, 5)),
    "run-worker states.StartExecution": ((LOSE, 1, 3), (ERROR, 2, 2)),
    "run-worker sqs.SendMessage": ((ERROR, 9, 3),),  # the delivery is not announced
    "model s3.PUT": ((ERROR, 2, 4), (SLOW, 1, 3), (KILL_BEFORE, 1, 2), (KILL_AFTER, 1, 3)),
    "model s3.GET": ((TRUNCATE, 1, 3),),
    "complete-run dynamodb.TransactWriteItems": ((KILL_BEFORE, 1, 2), (KILL_AFTER, 1, 2), (THROTTLE, 3, 2)),
    "deliver-webhook dynamodb.UpdateItem": ((THROTTLE, 3, 4), (KILL_AFTER, 1, 3)),  # claimed, not sent
    "deliver-webhook dynamodb.TransactWriteItems": ((KILL_BEFORE, 1, 5), (LOSE, 1, 3)),  # sent, not written down
    "deliver-webhook sqs.SendMessage": ((ERROR, 9, 3),),
    "deliver-webhook s3.GET": ((ERROR, 2, 2),),
}
_EACH = [(point, *fault) for point, faults in _FAULTS.items() for fault in faults]

# What the model's code does, with the terminal states that may come of it.
_BEHAVIOURS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("ok", 80, (SUCCEEDED,)),
    ("raise", 5, (FAILED,)),
    ("sys.exit", 2, (FAILED,)),
    ("die once", 3, (SUCCEEDED,)),
    ("segfault once", 2, (SUCCEEDED,)),
    ("die always", 1, (FAILED,)),
    ("out of memory once", 1, (SUCCEEDED,)),
    ("loop", 1, (TIMED_OUT,)),
)

# Scripts of a receiver: what it answers in order, the last for ever.
RECEIVERS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("well", ("200",), 50),
    ("fails twice", ("500", "500", "200"), 8),
    ("fails nine times", ("500",) * 9 + ("200",), 2),
    ("never", ("500",), 2),
    ("busy", ("429", "200"), 4),
    ("gone", ("410",), 3),
    ("redirects", ("302", "200"), 4),
    ("hangs", ("hang", "200"), 3),
    ("drips", ("drip", "200"), 3),
    ("resets", ("reset", "200"), 4),
    ("floods", ("flood",), 2),
    ("has no address", ("dns",), 2),
)


@dataclass(frozen=True)
class Fault:
    point: str
    kind: str
    times: int


@dataclass(frozen=True)
class Job:
    """One request with all that befalls it. `webhook` names a script of `RECEIVERS`, or is empty."""

    number: int
    lane: str
    behaviour: str
    ends: tuple[str, ...]
    webhook: str
    cancel_after_s: float
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Plan:
    """`stops`: (at which share of the jobs, for how many seconds) a process is stopped and resumed."""

    seed: int
    jobs: tuple[Job, ...]
    stops: tuple[tuple[float, float], ...]
    rotations: tuple[float, ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


def make_plan(seed: int, number: int) -> Plan:
    """The plan for so many jobs; the same for the same seed."""
    random = Random(f"modelcote faults {seed}")
    stops = tuple((round(random.random(), 3), round(random.uniform(1, 4), 2)) for _ in range(2 + number // 100))
    rotations = tuple(sorted(round(random.random(), 3) for _ in range(2)))
    return Plan(seed, tuple(_job(seed, each) for each in range(number)), stops, rotations)


def _job(seed: int, number: int) -> Job:
    # Of its own, so that a job is the same however many others there are.
    random = Random(f"modelcote faults {seed} {number}")
    behaviour, _, ends = random.choices(_BEHAVIOURS, [row[1] for row in _BEHAVIOURS])[0]
    webhook = random.choices(RECEIVERS, [row[2] for row in RECEIVERS])[0][0] if random.random() < 0.7 else ""
    cancel = round(random.uniform(0, 2), 2) if random.random() < 0.05 else 0.0
    count = random.choices((0, 1, 2, 3, 4), (5, 15, 35, 30, 15))[0]
    chosen = random.choices(_EACH, [row[3] for row in _EACH], k=count)
    faults = {row[:2]: Fault(row[0], row[1], random.randint(1, row[2])) for row in chosen}
    lane = "long" if random.random() < 0.15 else "fast"
    ends = (*ends, CANCELED) if cancel else ends
    return Job(number, lane, behaviour, ends, webhook, cancel, tuple(faults.values()))
