"""What a model's own code may answer and leave in S3 to do harm: its run ends, and no other is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcote.core.runs import FAILED, SUCCEEDED
from modelcote.runs.results import result_members
from tests.support.runs_stand import PROJECT, RunsStand

SUMMARY = {"key": "k", "bytes": 10, "sha256": "0" * 64, "run_time_ms": 1, "points": 1}


def says(stand: RunsStand, answer: Any) -> None:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    stand.door.reply = lambda _: (200, {}, body)


def leaves(stand: RunsStand, key: str, body: bytes, **metadata: str) -> None:
    stand.store.s3.put_object(Bucket=stand.store.bucket, Key=key, Body=body, Metadata=metadata)


def test_another_projects_result_cannot_be_named(stand: RunsStand) -> None:
    key = "results/other/theirs/0/1"
    leaves(stand, key, b'{"result": "their secret"}')
    says(stand, {"stored": {**SUMMARY, "key": key}})
    run = stand.done()
    assert run.result_key == f"results/{PROJECT}/iris/{run.run_id}/1"
    assert "their secret" not in json.dumps(result_members(stand.store, run, 1_000))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b'"error"',
        b"[" * 100_000,
        b'{"stored": null}',
        b'{"error": "text"}',
        b'{"stored": {"key": "k", "bytes": 1e400, "sha256": "", "run_time_ms": 1, "points": 1}}',
        {"stored": {**SUMMARY, "run_time_ms": float("nan")}},
        {"stored": {**SUMMARY, "points": 10**60}},
        {"stored": {**SUMMARY, "bytes": "many"}},
    ],
    ids=lambda answer: str(answer)[:20],
)
def test_an_answer_that_is_none(stand: RunsStand, answer: Any) -> None:
    says(stand, answer)
    assert stand.with_policy(crashes=1).done().state == FAILED
    assert stand.open_runs() == 0


@pytest.mark.parametrize(
    "problem",
    [
        {str(number): "x" * 1_000 for number in range(1_000)},
        {"x" * 100_000: 1, "status": 10**400, "detail": ["deep"] * 50_000, "code": None},
    ],
    ids=["many members", "large members"],
)
def test_a_problem_too_large_for_a_row(stand: RunsStand, problem: Any) -> None:
    says(stand, {"error": problem})
    run = stand.done()
    assert run.state == FAILED
    assert len(run.error_json) < 100_000


@pytest.mark.parametrize(
    ("body", "metadata"),
    [
        (b"garbage", {"outcome": "failed"}),
        (b"x" * 1_000_000, {"outcome": "failed"}),
        (b"{}", {"outcome": "succeeded", "points": "many"}),
        (b"{}", {"outcome": "succeeded", "run-time-ms": "inf"}),
    ],
)
def test_an_object_that_is_no_answer_ends_its_run(stand: RunsStand, body: bytes, metadata: dict[str, str]) -> None:
    """Or the watchdog would look at it for ever."""
    run = stand.accept()
    stand.messages()
    taken = stand.started(run)
    leaves(stand, taken.result_object(1), body, **metadata)
    stand.later(91)
    assert stand.watch() == {"completed": 1}
    assert stand.run(run.run_id).state == FAILED


@pytest.mark.parametrize("body", [b"x" * 5_000, b"no json", b"[]", b"[" * 900, b"", None])
def test_a_result_that_is_not_as_it_was_said_to_be_goes_by_reference(stand: RunsStand, body: bytes | None) -> None:
    """Or that is gone."""
    run = stand.accept()
    says(stand, {"stored": SUMMARY})
    if body is not None:
        leaves(stand, run.result_object(1), body)
    stand.drain()
    ended = stand.run(run.run_id)
    assert ended.state == SUCCEEDED
    assert result_members(stand.store, ended, 1_000).keys() == {"result_url", "sha256", "bytes", "content_type"}
