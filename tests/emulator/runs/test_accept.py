"""Acceptance: what was answered with a run is there, once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

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


def test_a_key_is_one_body_s_for_a_day(stand: RunsStand) -> None:
    first = stand.accept([[1]], idempotency_key="k1")
    assert stand.accept([[1]], idempotency_key="k1").run_id == first.run_id
    for data, changes in (([[2]], {}), ([[1]], {"model": "other"})):
        with pytest.raises(Invalid) as refused:
            stand.accept(data, idempotency_key="k1", **changes)
        assert refused.value.extra["field"] == "Idempotency-Key"
    assert (stand.open_runs(), stand.drain()) == (1, 1)
    stand.later(86_401)
    assert stand.accept([[2]], idempotency_key="k1").run_id != first.run_id


def test_many_at_once_with_one_key_are_one_run(stand: RunsStand) -> None:
    def ask(_: int) -> str:
        return acceptance.accept(stand.store, stand.submission([[7]], idempotency_key="race")).run_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert stand.open_runs() == 1


@pytest.mark.parametrize(("quota", "per_counter"), [(1, 500), (3, 500), (7, 500), (6, 2)])
def test_the_quota_is_exact(stand: RunsStand, monkeypatch: pytest.MonkeyPatch, quota: int, per_counter: int) -> None:
    monkeypatch.setattr(acceptance, "_RUNS_PER_COUNTER", per_counter)
    stand.with_policy(open_runs=quota)
    for _ in range(quota):
        stand.accept()
    with pytest.raises(TooManyRequests) as full:
        stand.accept()
    assert full.value.extra["retry_after_s"] >= 1
    assert stand.open_runs() == quota
    stand.drain()
    stand.light.full.clear()
    assert stand.open_runs() == 0
    stand.accept()


@pytest.mark.parametrize("quota", [1, 499, 500, 1_000, 10_000, 10_001])
def test_the_counters_hold_the_quota_together(quota: int) -> None:
    assert sum(acceptance.counters(quota)) == quota
    assert all(share > 0 for share in acceptance.counters(quota))


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
    monkeypatch.setattr(stand.light.sqs, "send_message", Mock(side_effect=RuntimeError("no queue")))
    run = stand.accept()
    assert stand.run(run.run_id).state == QUEUED
    assert json.loads(capsys.readouterr().out)["event"] == "run not sent"


def test_what_could_not_be_written_was_not_accepted(stand: RunsStand, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = Mock(side_effect=RuntimeError("no table"))
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
    command = [sys.executable, "-c", script, stand.store.bucket, stand.store.runs_queue]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(made.stdout) == {"data": data, "run_id": run.run_id}


def test_ids_sort_by_time() -> None:
    ids = [new_run_id(at) for at in (1.0, 1.5, 2.0, 1_800_000_000.0)]
    assert ids == sorted(ids)
