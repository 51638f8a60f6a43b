"""`make faults N=1000 SEED=1`: the plan, run and judged; then the mutations. Ends with 1 on a breach."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.faults.check import breaches, summary
from tests.faults.drive import Drive
from tests.faults.plan import make_plan
from tests.faults.world import a_world


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    plan = make_plan(given.seed, given.n)
    print(f"seed {given.seed}, {given.n} jobs, plan {plan.digest}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="modelcote-faults-") as folder,
        a_world(Path(folder) / "home", plan) as world,
    ):
        told = Drive(world, plan).run()
        for name in ("calls", "struck"):
            print(
                f"{name}:", *(f"  {number:6} {point}" for point, number in world.counted(name).most_common()), sep="\n"
            )
        print(json.dumps(summary(world, plan, told), indent=1), flush=True)
        found = breaches(world, plan, told)
    for line in found:
        print(f"BREACH {line}")
    print(f"{len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
