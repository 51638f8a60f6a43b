"""Resources of the recorded plans, by their names."""

from __future__ import annotations

import json

from modelcote.deploy.program.monitor import Resource
from tests.infra.plans import planned, planned_platform


def named(name: str, models: int = 3) -> Resource:
    return next(row for row in (*planned(models).resources, *planned_platform().resources) if row.name == name)


def of(kind: str, models: int = 3) -> list[Resource]:
    return [row for row in planned(models).resources if row.type.endswith(f":{kind}")]


def allowed(role_policy: str) -> dict[str, list[str]]:
    rows = json.loads(named(role_policy).inputs["policy"])["Statement"]
    return {row["Sid"]: row["Resource"] for row in rows}
