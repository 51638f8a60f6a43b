"""Where runs are stored: one table, one bucket, two queues.

The clients are boto3's, or `modelcote.aws.services`'s where an import of boto3 would cost too much.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelcote.aws.table import Table
from modelcote.core.errors import NotFound
from modelcote.core.policy import Policy, policy_from_env
from modelcote.core.runs import is_run_id
from modelcote.runs.records import Run, run_key

_ATTEMPTS = 6  # A worker waits out a throttle rather than leave its run to the watchdog.


@dataclass(frozen=True)
class RunStore:
    """`clock` returns seconds since the epoch. `runs_queue` and `deliveries_queue` are URLs.

    `full`: the projects at their quota a moment ago, and until when (monotonic) that is believed: a flood costs no
    writes.
    """

    table: Table
    s3: Any
    sqs: Any
    bucket: str
    runs_queue: str
    deliveries_queue: str
    policy: Policy
    clock: Callable[[], float] = time.time
    full: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    def find(self, project: str, run_id: str) -> Run | None:
        """Return the run, or None."""
        item = self.table.get(*run_key(project, run_id))
        return Run.from_item(item) if item else None

    def get(self, project: str, run_id: str) -> Run:
        """Return the run; raise `NotFound` for an id that is malformed, unknown, or another project's."""
        run = self.find(project, run_id) if is_run_id(run_id) else None
        if run is None:
            raise NotFound("there is no such run in this project.", "List the runs with `cote runs ls`.")
        return run


def store_from_env() -> RunStore:
    """Return the store that the environment names, on boto3: for functions whose caller does not wait."""
    from modelcote.aws.clients import make_clients

    clients = make_clients(attempts=_ATTEMPTS)
    return make_store(os.environ, clients.dynamodb, clients.s3, clients.sqs)


def make_store(environ: Mapping[str, str], dynamodb: Any, s3: Any, sqs: Any) -> RunStore:
    """Return the store that an environment names, on these clients."""
    return RunStore(
        Table(dynamodb, environ["MODELCOTE_RUNS_TABLE"]),
        s3,
        sqs,
        environ["MODELCOTE_BUCKET"],
        environ["MODELCOTE_RUNS_QUEUE_URL"],
        environ["MODELCOTE_DELIVERIES_QUEUE_URL"],
        policy_from_env(),
    )
