"""The plan of faults is the seed's."""

from __future__ import annotations

from tests.faults.plan import make_plan


def test_the_same_seed_is_the_same_plan() -> None:
    assert make_plan(5, 200) == make_plan(5, 200)
    assert make_plan(5, 200).digest != make_plan(6, 200).digest


def test_a_job_is_the_same_however_many_there_are() -> None:
    assert make_plan(5, 10).jobs == make_plan(5, 200).jobs[:10]


def test_most_jobs_are_struck() -> None:
    jobs = make_plan(1, 1_000).jobs
    assert sum(bool(job.faults) for job in jobs) > 800
    assert {job.lane for job in jobs} == {"fast", "long"}
    assert len({(fault.point, fault.kind) for job in jobs for fault in job.faults}) > 30
