"""The recorded plans: `python -m tests.infra.golden --write` records them anew, for a diff to be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from modelcote.deploy.plan import Plan, plan_to_dict
from tests.infra.plans import SNAPSHOTS, planned

FOLDER = Path(__file__).parent / "golden"
URNS = FOLDER / "urns.txt"


def path(models: int) -> Path:
    return FOLDER / f"models-{models}.json"


def text(plan: Plan) -> str:
    """The plan, one member a line, without the members that are empty."""
    data = plan_to_dict(plan)
    for row in data["resources"]:
        for name in ("depends_on", "secrets", "protect", "retain_on_delete"):
            if not row[name]:
                del row[name]
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def urns(plan: Plan) -> str:
    return "".join(f"{row.urn}\n" for row in plan.resources)


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for models in SNAPSHOTS:
        path(models).write_text(text(planned(models)), encoding="utf-8")
    URNS.write_text(urns(planned(3)), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.infra.golden --write")
    write()
