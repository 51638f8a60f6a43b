"""From a message to the end of a run, with everything that may happen on the way."""

from __future__ import annotations

import json

import pytest

from modelcote.core.errors import Conflict, NotFound
from modelcote.core.runs import CANCELED, EXPIRED, FAILED, QUEUED, RUNNING, SUCCEEDED, TIMED_OUT, RunLimits
from modelcote.runs.attempts import start
from modelcote.runs.cancel import cancel
from modelcote.runs.complete import Outcome, complete
from modelcote.runs.endings import fail_dead_letter, settle_notice
from modelcote.runs.messages import read_task
from modelcote.runs.worker import event_of
from tests.support.lambda_door import Reply, failing
from tests.support.runs_stand import PROJECT, TARGET, RunsStand, fail


def test_a_run_is_processed(stand: RunsStand) -> None:
    run = stand.done([[1, 2]])
    assert (run.state, run.attempt, run.points, run.run_time_ms) == (SUCCEEDED, 1, 1, 1.5)
    assert stand.result(run) == [[2, 4]]
    assert stand.open_runs() == 0


def test_a_large_input_is_read_by_the_models_function(stand: RunsStand) -> None:
    run = stand.accept([[number] for number in range(5_000)])
    stand.drain()
    assert stand.result(stand.run(run.run_id))[-1] == [9_998]
    assert len(stand.door.seen[0][2]) < 1_000


def test_every_message_twice_to_five_times_is_one_prediction(stand: RunsStand) -> None:
    run = stand.accept()
    (record,) = stand.messages()
    for _ in range(5):
        stand.work(record)
    assert stand.calls == {run.run_id: 1}
    assert stand.run(run.run_id).attempt == 1


def test_the_models_own_error_is_final(stand: RunsStand) -> None:
    stand.play = fail
    run = stand.done()
    assert (run.state, run.error["code"]) == (FAILED, "model_failed")
    assert stand.calls[run.run_id] == 1


def test_a_process_that_dies_is_tried_three_times(stand: RunsStand) -> None:
    stand.door.reply = lambda _: failing("Runtime.ExitError")
    run = stand.with_policy(retry_after_s=0).accept()
    for _ in range(5):
        stand.drain()
    ended = stand.run(run.run_id)
    assert (ended.state, ended.attempt) == (FAILED, 3)
    assert (ended.error or {})["attempts"] == 3
    assert stand.open_runs() == 0


def test_a_process_that_dies_once_has_its_result(stand: RunsStand) -> None:
    replies = [failing("Runtime.ExitError")]
    stand.door.reply = lambda payload: replies.pop() if replies else stand.reply(payload)
    run = stand.with_policy(retry_after_s=0).accept([[5]])
    stand.drain()
    stand.drain()
    ended = stand.run(run.run_id)
    assert (ended.state, ended.attempt) == (SUCCEEDED, 2)
    assert stand.result(ended) == [[10]]


def test_a_throttled_model_is_waited_for_until_the_queues_limit(stand: RunsStand) -> None:
    stand.door.reply = lambda _: (429, {}, b'{"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}')
    run = stand.with_policy(retry_after_s=0).accept()
    for _ in range(12):
        stand.drain()
    waiting = stand.run(run.run_id)
    assert (waiting.state, waiting.failures, waiting.crashes) == (QUEUED, 0, 0)
    assert waiting.attempt >= 10
    stand.later(3_601)
    assert stand.watch() == {"expired": 1}
    assert stand.run(run.run_id).state == EXPIRED


@pytest.mark.parametrize(("reply", "state"), [(failing("Sandbox.Timedout"), TIMED_OUT), ((404, {}, b"{}"), FAILED)])
def test_a_timeout_of_the_function_and_a_deleted_model_end_the_run(stand: RunsStand, reply: Reply, state: str) -> None:
    stand.door.reply = lambda _: reply
    assert stand.done().state == state


def test_an_answer_that_cannot_be_read_is_a_crash(stand: RunsStand) -> None:
    stand.door.reply = lambda _: (200, {}, b"<html>")
    assert stand.with_policy(retry_after_s=0, crashes=1).done().state == FAILED


def test_a_worker_that_dies_before_the_model_is_called(stand: RunsStand) -> None:
    run = stand.accept([[1]])
    (record,) = stand.messages()
    stand.started(run)
    stand.work(record)  # The message again, while the run is held.
    assert not stand.calls
    stand.later(91)
    assert stand.watch() == {"released": 1}
    stand.later(120)
    stand.watch()
    stand.drain()
    ended = stand.run(run.run_id)
    assert (ended.state, ended.attempt) == (SUCCEEDED, 2)


def test_a_worker_that_dies_after_the_upload_is_not_computed_again(stand: RunsStand) -> None:
    run = stand.accept([[4]])
    stand.messages()
    taken = stand.started(run)
    stand.reply(event_of(taken))
    stand.later(91)
    assert stand.watch() == {"completed": 1}
    ended = stand.run(run.run_id)
    assert (ended.state, ended.attempt) == (SUCCEEDED, 1)
    assert stand.result(ended) == [[8]]
    assert stand.calls[run.run_id] == 1


def test_a_zombies_late_result_changes_nothing(stand: RunsStand) -> None:
    run = stand.with_policy(retry_after_s=0, resend_after_s=0).accept([[1]])
    stand.messages()
    zombie = stand.started(run)
    stand.later(91)
    stand.watch()
    stand.later(5)
    stand.watch()
    for _ in range(3):
        stand.drain()
    before = stand.run(run.run_id)
    assert not complete(stand.store, zombie, Outcome(SUCCEEDED, result_key="zombie"))
    assert stand.run(run.run_id) == before
    assert stand.open_runs() == 0


def test_a_terminal_write_whose_answer_was_lost_is_done(stand: RunsStand) -> None:
    run = stand.accept()
    taken = stand.started(run)
    outcome = Outcome(SUCCEEDED, result_key="k")
    assert [complete(stand.store, taken, outcome) for _ in range(2)] == [True, True]
    assert stand.open_runs() == 0


def test_a_run_that_waited_too_long_is_expired_and_not_computed(stand: RunsStand) -> None:
    run = stand.accept(limits=RunLimits(10, 60, 3_600))
    stand.later(11)
    stand.drain()
    assert stand.run(run.run_id).state == EXPIRED
    assert not stand.calls


def test_a_queued_run_is_sent_again_at_growing_pauses(stand: RunsStand) -> None:
    stand.accept()
    for seconds, done in ((61, {"sent": 1}), (0, {}), (61, {"sent": 1}), (61, {})):
        stand.later(seconds)
        assert stand.watch() == done


def test_cancel_of_a_queued_run(stand: RunsStand) -> None:
    run = stand.accept()
    assert cancel(stand.store, stand.executions, PROJECT, run.run_id).state == CANCELED
    stand.drain()
    assert not stand.calls
    assert stand.open_runs() == 0
    with pytest.raises(Conflict):
        cancel(stand.store, stand.executions, PROJECT, run.run_id)


def test_cancel_of_a_running_run_wins_over_its_result(stand: RunsStand) -> None:
    run = stand.accept()
    taken = stand.started(run)
    cancel(stand.store, stand.executions, PROJECT, run.run_id)
    assert not complete(stand.store, taken, Outcome(SUCCEEDED, result_key="late"))
    assert stand.run(run.run_id).state == CANCELED


def test_no_such_run(stand: RunsStand) -> None:
    for run_id in ("x", "0" * 32, "../../etc", "0" * 31, "g" * 32):
        with pytest.raises(NotFound):
            cancel(stand.store, stand.executions, PROJECT, run_id)
    run = stand.accept()
    with pytest.raises(NotFound):
        stand.store.get("other", run.run_id)


def test_a_dead_letter_fails_its_run(stand: RunsStand) -> None:
    run = stand.accept()
    (record,) = stand.messages()
    assert fail_dead_letter(stand.store, read_task(record)) == "failed"
    ended = stand.run(run.run_id)
    assert (ended.state, (ended.error or {})["code"]) == (FAILED, "not_processed")
    assert fail_dead_letter(stand.store, read_task(record)) == "left"


def test_a_dead_letter_leaves_a_run_that_a_worker_has(stand: RunsStand) -> None:
    run = stand.accept()
    (record,) = stand.messages()
    start(stand.store, PROJECT, run.run_id)
    assert fail_dead_letter(stand.store, read_task(record)) == "left"
    assert stand.run(run.run_id).state == RUNNING


def test_a_notice_without_a_run_is_nothing(stand: RunsStand) -> None:
    keys = (f"detached/{PROJECT}/iris/{'0' * 32}/1", "detached/x")
    for notice in (*({"Records": [{"s3": {"object": {"key": key}}}]} for key in keys), {"Event": "s3:TestEvent"}):
        assert settle_notice(stand.store, json.dumps(notice)) == []


def test_a_run_that_an_earlier_version_accepted_is_answered(stand: RunsStand) -> None:
    run = stand.accept()
    item = stand.store.table.get(*run.key)
    assert item is not None
    old = {name: value for name, value in item.items() if name not in ("backend", "address")}
    stand.store.table.put({**old, "function_name": "local_demo_iris"})
    assert stand.run(run.run_id).target == TARGET
    stand.drain()
    assert stand.run(run.run_id).state == SUCCEEDED
