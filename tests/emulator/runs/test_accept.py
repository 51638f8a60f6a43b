"""Acceptance: what was answered with a run is there, once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from modelcote.core.errors import BackendUnavailable, Invalid, TooManyRequests
from modelcote.core.runs import LONG, QUEUED, RunLimits, new_run_id
from modelcote.runs import accept as acceptance
from modelcote.runs.messages import INLINE_LIMIT
from tests.support.runs_stand import MODEL, PROJECT, RunsStand


def test_an_accepted_run_is_queued_counted_and_sent(stand: RunsStand) -> None:
    run = stand.accept([[1, 2]])
    assert stand.run(run.run_id) == run
    assert run.state == QUEUED
    assert stand.open_runs() == 1
    (record,) = stand.messages()
    assert json.loads(record["body"]) == {"data": [[1, 2]], "run_id": run.run_id}
    assert record["attributes"]["MessageGroupId"] == f"{PROJECT}/{MODEL}"


def test_the_same_key_and_body_is_the_same_run(stand: RunsStand) -> None:
    first = stand.accept([[1]], idempotency_key="k1")
    again = stand.accept([[1]], idempotency_key="k1")
    assert again.run_id == first.run_id
    assert stand.open_runs() == 1
    assert stand.drain() == 1


def test_the_same_key_with_another_body_is_refused(stand: RunsStand) -> None:
    stand.accept([[1]], idempotency_key="k1")
    with pytest.raises(Invalid) as refused:
        stand.accept([[2]], idempotency_key="k1")
    assert refused.value.extra["field"] == "Idempotency-Key"
    with pytest.raises(Invalid):
        stand.accept([[1]], idempotency_key="k1", model="other")
    assert stand.open_runs() == 1


def test_a_key_is_free_again_after_a_day(stand: RunsStand) -> None:
    first = stand.accept([[1]], idempotency_key="k1")
    stand.later(86_401)
    assert stand.accept([[2]], idempotency_key="k1").run_id != first.run_id


def test_many_at_once_with_one_key_are_one_run(stand: RunsStand) -> None:
    ids: list[str] = []

    def ask() -> None:
        ids.append(acceptance.accept(stand.store, stand.submission([[7]], idempotency_key="race")).run_id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert stand.open_runs() == 1


@pytest.mark.parametrize("quota", [1, 3, 7])
def test_the_quota_is_exact(stand: RunsStand, quota: int) -> None:
    stand.with_policy(open_runs=quota)
    for _ in range(quota):
        stand.accept()
    with pytest.raises(TooManyRequests) as full:
        stand.accept()
    assert full.value.extra["retry_after_s"] >= 1
    stand.drain()
    stand.light.full.clear()
    assert stand.open_runs() == 0
    stand.accept()


@pytest.mark.parametrize("quota", [1, 499, 500, 1_000, 10_000, 10_001])
def test_the_counters_hold_the_quota_together(quota: int) -> None:
    assert sum(acceptance.counters(quota)) == quota
    assert all(share > 0 for share in acceptance.counters(quota))


def test_a_quota_spread_over_counters_is_exact(stand: RunsStand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "_RUNS_PER_COUNTER", 2)
    stand.with_policy(open_runs=6)
    for _ in range(6):
        stand.accept()
    with pytest.raises(TooManyRequests):
        stand.accept()
    assert stand.open_runs() == 6


def test_a_crash_between_the_commit_and_the_message_loses_nothing(
    stand: RunsStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "enqueue", lambda *_: None)
    run = stand.accept([[3]])
    assert not stand.messages()
    stand.later(59)
    assert not stand.watch()
    stand.later(2)
    assert stand.watch() == {"sent": 1}
    stand.drain()
    assert stand.result(stand.run(run.run_id)) == [[6]]


def test_a_message_that_could_not_be_sent_is_not_the_callers_concern(
    stand: RunsStand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError("no queue")

    monkeypatch.setattr(stand.light.sqs, "send_message", refuse)
    run = stand.accept()
    assert stand.run(run.run_id).state == QUEUED
    assert json.loads(capsys.readouterr().out)["event"] == "run not sent"


def test_what_could_not_be_written_was_not_accepted(stand: RunsStand, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError("no table")

    monkeypatch.setattr(stand.light.table.client, "transact_write_items", refuse)
    with pytest.raises(BackendUnavailable):
        stand.accept()
    assert not stand.messages()
    assert stand.open_runs() == 0


def test_an_answer_lost_after_the_commit_is_an_accepted_run(stand: RunsStand, monkeypatch: pytest.MonkeyPatch) -> None:
    write = stand.light.table.client.transact_write_items

    def lose(**parameters: object) -> None:
        write(**parameters)
        raise ConnectionError("the answer was lost")

    monkeypatch.setattr(stand.light.table.client, "transact_write_items", lose)
    run = stand.accept([[1]], idempotency_key="k")
    assert stand.run(run.run_id).state == QUEUED
    assert stand.open_runs() == 1


def test_a_long_runs_data_goes_to_s3_however_short(stand: RunsStand) -> None:
    run = stand.accept([[1]], limits=RunLimits(3_600, 600, 86_400))
    assert (run.lane, run.input) == (LONG, "")
    assert run.input_key


def test_a_payload_above_the_limit_is_a_pointer_that_awss_own_client_reads(stand: RunsStand) -> None:
    data = [[number] for number in range(INLINE_LIMIT)]
    run = stand.accept(data)
    assert run.input_key
    # In a process of its own: the package exchanges boto3's session class for the whole process it is imported in.
    script = (
        "import sys, sqs_extended_client\n"
        "client = sqs_extended_client.SQSExtendedClientSession(region_name='us-east-1').client('sqs')\n"
        "client.large_payload_support = sys.argv[1]\n"
        "answer = client.receive_message(QueueUrl=sys.argv[2], MessageAttributeNames=['All'])\n"
        "print(answer['Messages'][0]['Body'])\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", script, stand.store.bucket, stand.store.runs_queue],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(made.stdout) == {"data": data, "run_id": run.run_id}


def test_ids_sort_by_time() -> None:
    ids = [new_run_id(at) for at in (1.0, 1.5, 2.0, 1_800_000_000.0)]
    assert ids == sorted(ids)
