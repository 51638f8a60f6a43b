"""The local cloud is stopped and started while runs wait, run and are delivered: nothing accepted is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from modelcote.local import cloud as local
from tests.faults.check import breaches
from tests.faults.drive import Drive
from tests.faults.plan import Job, make_plan
from tests.faults.world import a_world


def undisturbed(job: Job) -> Job:
    """Only the restart is the fault here."""
    return replace(
        job, behaviour="ok", ends=("SUCCEEDED",), webhook=job.webhook and "fails twice", cancel_after_s=0.0, faults=()
    )


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    plan = make_plan(25, 24)
    plan = replace(plan, jobs=tuple(undisturbed(job) for job in plan.jobs), stops=(), rotations=())
    with a_world(tmp_path / "home", plan) as world:

        def restart() -> None:
            local.down(world.home)
            again = local.up(world.home)
            assert (again.url, again.ports) == (world.url, world.status.ports)

        told = Drive(world, plan, once_sent=restart).run()
        assert breaches(world, plan, told) == []
