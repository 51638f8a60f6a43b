"""A short plan on every run of the tests; `make faults N=1000` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.faults.check import breaches, summary
from tests.faults.drive import Drive
from tests.faults.plan import make_plan
from tests.faults.world import a_world


def test_a_short_plan_breaks_no_promise(tmp_path: Path) -> None:
    plan = make_plan(11, 40)
    with a_world(tmp_path / "home", plan) as world:
        told = Drive(world, plan).run()
        done = summary(world, plan, told)
        assert breaches(world, plan, told) == [], done
    assert done["share"] >= 0.05, done
    assert done["faults"] >= 40, done
