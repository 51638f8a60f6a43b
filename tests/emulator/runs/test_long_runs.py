"""The long lane: runs that a state machine processes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcote.core.runs import FAILED, QUEUED, SUCCEEDED, TIMED_OUT, RunLimits
from modelcote.runs.cancel import cancel
from modelcote.runs.endings import settle_execution
from modelcote.runs.records import Run
from tests.support.runs_stand import PROJECT, RunsStand

LONG_RUN = RunLimits(3_600, 600, 86_400)


def begun(stand: RunsStand, data: Any = None) -> tuple[Run, dict[str, Any]]:
    """A long run, and the input of its execution."""
    run = stand.accept(data, limits=LONG_RUN)
    stand.drain()
    return run, stand.executions.started[f"{run.run_id}-1"]


def test_a_long_run_is_an_execution_of_its_name(stand: RunsStand) -> None:
    run, state = begun(stand, [[2]])
    assert "data" not in json.dumps(state)
    _, _, answer = stand.reply(json.dumps(state["event"]).encode())
    assert settle_execution(stand.store, {**state, "answer": {"payload": json.loads(answer)}}) == SUCCEEDED
    assert stand.result(stand.run(run.run_id)) == [[4]]
    assert settle_execution(stand.store, {**state, "failure": {"Error": "late"}}) == "superseded"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("Sandbox.Timedout", TIMED_OUT),
        ("Lambda.ResourceNotFoundException", FAILED),
        *((f"Lambda.{name}Exception", QUEUED) for name in ("TooManyRequests", "Service")),
        *((name, QUEUED) for name in ("States.Timeout", "Runtime.ExitError")),
    ],
)
def test_a_long_run_whose_execution_failed(stand: RunsStand, error: str, state: str) -> None:
    _, started = begun(stand)
    assert settle_execution(stand.store, {**started, "failure": {"Error": error, "Cause": ""}}) == state


@pytest.mark.parametrize(
    "error",
    ["States.TaskFailed", "States.DataLimitExceeded", "Lambda.SdkClientException", "Lambda.ServiceException"],
)
def test_a_long_run_whose_answer_was_lost_after_the_upload_is_not_computed_again(stand: RunsStand, error: str) -> None:
    run, started = begun(stand, [[2]])
    stand.reply(json.dumps(started["event"]).encode())
    assert settle_execution(stand.store, {**started, "failure": {"Error": error}}) == SUCCEEDED
    assert stand.calls[run.run_id] == 1


def test_a_long_run_whose_execution_is_gone_is_run_again(stand: RunsStand) -> None:
    run, _ = begun(stand)
    stand.later(600 + 30 + 61)
    assert stand.watch() == {"leased": 1}
    stand.executions.alive.clear()
    stand.later(61)
    assert stand.watch() == {"released": 1}
    assert stand.run(run.run_id).state == QUEUED


def test_an_execution_that_never_ends_is_stopped_and_its_run_tried_again(stand: RunsStand) -> None:
    run, _ = begun(stand)
    stand.later(600 + 30 + 61 + 901)
    assert stand.watch() == {"released": 1}
    assert stand.run(run.run_id).state == QUEUED
    assert stand.executions.stopped


def test_an_execution_that_cannot_be_started_is_tried_again(stand: RunsStand) -> None:
    stand.with_policy(retry_after_s=0)
    run = stand.accept(limits=LONG_RUN)
    begin, stand.executions.start = stand.executions.start, lambda *_: (_ for _ in ()).throw(OSError())  # type: ignore
    stand.drain()
    assert stand.run(run.run_id).failures == 1
    stand.executions.start = begin  # type: ignore[method-assign]
    stand.drain()
    assert list(stand.executions.started) == [f"{run.run_id}-2"]


def test_cancel_of_a_long_run_stops_its_execution(stand: RunsStand) -> None:
    run, _ = begun(stand)
    cancel(stand.store, stand.executions, PROJECT, run.run_id)
    assert stand.executions.stopped == [f"{run.run_id}-1"]
