"""The recorded plans: `python -m tests.infra.golden --write` records them again; read the diff."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from modelcote.deploy.program.plan import Plan, plan_to_dict
from tests.infra.plans import SNAPSHOTS, everything, planned, planned_platform

FOLDER = Path(__file__).parent / "golden"
URNS = FOLDER / "urns.txt"


PLANS: dict[str, Callable[[], Plan]] = {
    **{f"models-{models}": partial(planned, models) for models in SNAPSHOTS},
    "platform": planned_platform,
}


def path(name: str) -> Path:
    return FOLDER / f"{name}.json"


def text(plan: Plan) -> str:
    """The plan, one member a line, without the members that are empty."""
    data = plan_to_dict(plan)
    for row in data["resources"]:
        for name in ("depends_on", "secrets", "protect", "retain_on_delete"):
            if not row[name]:
                del row[name]
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def urns() -> str:
    return "".join(f"{urn}\n" for urn in sorted(row.urn for row in everything()))


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, plan in PLANS.items():
        path(name).write_text(text(plan()), encoding="utf-8")
    URNS.write_text(urns(), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.infra.golden --write")
    write()
