"""A run's limit is the model's own time, as the function itself reports it."""

from __future__ import annotations

import subprocess
import sys
import time

from modelcote.core.runs import QUEUED, SUCCEEDED, TIMED_OUT, RunLimits
from tests.support.lambda_door import Reply, failing
from tests.support.runs_stand import RunsStand


def test_the_end_of_the_workers_patience_is_no_timeout(stand: RunsStand) -> None:
    """It may have been spent waiting for a replica or a cold start: only the function itself knows its time."""
    invoke = stand.backends.invoke
    stand.backends.invoke = lambda target, payload, _: invoke(target, payload, 0.05)  # type: ignore[method-assign]
    reply, stand.door.reply = stand.door.reply, lambda _: time.sleep(0.2) or (200, {}, b"late")
    run = stand.with_policy(retry_after_s=0).accept()
    stand.drain()
    waiting = stand.run(run.run_id)
    assert (waiting.state, waiting.failures, waiting.crashes) == (QUEUED, 1, 0)
    stand.backends.invoke, stand.door.reply = invoke, reply  # type: ignore[method-assign]
    stand.drain()
    assert stand.run(run.run_id).state == SUCCEEDED


SLOW = """
import json, sys, time
from modelcote.core.event import store_request
from modelcote.serving.stored import predict_and_store
event = json.loads(sys.argv[1])
predict_and_store(lambda _: time.sleep(60), event, store_request(event))
"""


def test_a_model_that_uses_up_the_runs_limit_is_ended_and_says_so(stand: RunsStand) -> None:
    def reply(payload: bytes) -> Reply:
        assert subprocess.run([sys.executable, "-c", SLOW, payload], check=False).returncode == 1
        return failing("Runtime.ExitError")

    stand.door.reply = reply
    run = stand.done(limits=RunLimits(3_600, 0.1, 86_400))
    assert (run.state, run.error["code"]) == (TIMED_OUT, "model_timeout")
    assert run.error["run_time_ms"] >= 100
