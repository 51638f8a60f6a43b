"""The long lane: runs that a state machine processes."""

from __future__ import annotations

import json

import pytest

from modelcote.core.runs import FAILED, QUEUED, SUCCEEDED, TIMED_OUT, RunLimits
from modelcote.runs.cancel import cancel
from modelcote.runs.endings import settle_execution
from tests.support.runs_stand import PROJECT, RunsStand

LONG_RUN = RunLimits(3_600, 600, 86_400)


def test_a_long_run_is_an_execution_of_its_name(stand: RunsStand) -> None:
    run = stand.accept([[2]], limits=LONG_RUN)
    stand.drain()
    name = f"{run.run_id}-1"
    state = stand.executions.started[name]
    assert "data" not in json.dumps(state)
    _, _, answer = stand.reply(json.dumps(state["event"]).encode())
    assert settle_execution(stand.store, {**state, "answer": {"payload": json.loads(answer)}}) == SUCCEEDED
    assert stand.result(stand.run(run.run_id)) == [[4]]
    assert settle_execution(stand.store, {**state, "failure": {"Error": "late"}}) == "superseded"


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        ({"Error": "States.Timeout", "Cause": ""}, QUEUED),
        ({"Error": "Sandbox.Timedout", "Cause": ""}, TIMED_OUT),
        ({"Error": "Lambda.ResourceNotFoundException", "Cause": ""}, FAILED),
        ({"Error": "Lambda.TooManyRequestsException", "Cause": ""}, QUEUED),
        ({"Error": "Runtime.ExitError", "Cause": ""}, QUEUED),
        ({"Error": "Lambda.ServiceException", "Cause": ""}, QUEUED),
    ],
)
def test_a_long_run_whose_execution_failed(stand: RunsStand, failure: dict[str, str], state: str) -> None:
    stand.accept(limits=LONG_RUN)
    stand.drain()
    (started,) = stand.executions.started.values()
    assert settle_execution(stand.store, {**started, "failure": failure}) == state


@pytest.mark.parametrize(
    "error",
    ["States.TaskFailed", "States.DataLimitExceeded", "Lambda.SdkClientException", "Lambda.ServiceException"],
)
def test_a_long_run_whose_answer_was_lost_after_the_upload_is_not_computed_again(stand: RunsStand, error: str) -> None:
    run = stand.accept([[2]], limits=LONG_RUN)
    stand.drain()
    (started,) = stand.executions.started.values()
    stand.reply(json.dumps(started["event"]).encode())
    assert settle_execution(stand.store, {**started, "failure": {"Error": error}}) == SUCCEEDED
    assert stand.calls[run.run_id] == 1


def test_a_long_run_whose_execution_is_gone_is_run_again(stand: RunsStand) -> None:
    run = stand.accept(limits=LONG_RUN)
    stand.drain()
    stand.later(600 + 30 + 61)
    assert stand.watch() == {"leased": 1}
    stand.executions.alive.clear()
    stand.later(61)
    assert stand.watch() == {"released": 1}
    assert stand.run(run.run_id).state == QUEUED


def test_an_execution_that_never_ends_is_stopped_and_its_run_tried_again(stand: RunsStand) -> None:
    run = stand.accept(limits=LONG_RUN)
    stand.drain()
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
    run = stand.accept(limits=LONG_RUN)
    stand.drain()
    cancel(stand.store, stand.executions, PROJECT, run.run_id)
    assert stand.executions.stopped == [f"{run.run_id}-1"]
