"""The planner: the program run with hands that only record, and refuse what AWS would refuse.

A plan is the same value for the same snapshot and settings: golden files, policy rules, and the difference between
two plans use it. `python -m modelcote.deploy.program.plan` plans in its own process (`modelcote.core.processes`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.components.layers import TYPE as LAYER_TYPE
from infra.components.model import TYPE as MODEL_TYPE
from infra.components.model import component_name
from infra.config import Scope, Settings, settings_from_json, settings_to_json
from infra.program import program
from modelcote.core.errors import DeployFailed
from modelcote.core.processes import answer, ask
from modelcote.core.snapshot import Snapshot, snapshot_from_json, snapshot_to_json
from modelcote.deploy.program.aws_rules import NAMES
from modelcote.deploy.program.checks import UNKNOWN, problems
from modelcote.deploy.program.monitor import Archive, Asset, Resource, run
from modelcote.deploy.program.schema import resource_schema

_SECONDS = 300
# Outputs that exist only with an input.
_CONDITIONAL = {("aws:dynamodb/table:Table", "streamArn"): "streamEnabled"}
# What a model that stays may lose: its provisioned concurrency, when `min_replicas` becomes 0.
_REMOVABLE = frozenset({"aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"})


@dataclass(frozen=True)
class Plan:
    """Resources sorted by URN; a reference to an output that does not exist yet is `${name.output}`."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def by_urn(self) -> dict[str, Resource]:
        return {row.urn: row for row in self.resources}


@dataclass(frozen=True)
class Diff:
    """What a plan changes, by URN."""

    create: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()


class Recorder:
    """Hands that record every resource and return placeholders."""

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self.problems: list[str] = []
        self._lock = threading.Lock()

    def create(self, resource: Resource) -> tuple[str, Mapping[str, Any]]:
        lines = problems(resource)
        with self._lock:
            self.resources.append(resource)
            self.problems += lines
        return f"${{{resource.name}.id}}", placeholders(resource)

    def call(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise DeployFailed(f"The program calls {token} with {dict(args)}.", "Pass what it needs as a setting.")


def placeholders(resource: Resource) -> dict[str, str]:
    """Return a placeholder for every text that AWS computes, and a marked one for what it would leave empty."""
    schema = resource_schema(resource.type) if resource.custom else None
    if schema is None:
        return {}
    automatic = NAMES[resource.type].input if resource.type in NAMES else ""
    computed = {name for name, kind in schema.outputs.items() if kind is str} | {automatic}
    computed -= {
        output
        for (token, output), condition in _CONDITIONAL.items()
        if token == resource.type and not resource.inputs.get(condition)
    }
    texts = {name for name, kind in {**schema.inputs, **schema.outputs}.items() if kind is str}
    return {
        name: f"${{{resource.name}.{name}}}" if name in computed else f"{UNKNOWN}{resource.name}.{name}}}"
        for name in sorted(texts)
        if name not in resource.inputs
    }


def plan_here(snapshot: Snapshot, settings: Settings, scope: Scope = "all") -> Plan:
    """Return the plan, made in this process, which can make no other. Raises `DeployFailed` with all problems."""
    recorder = Recorder()
    outputs = run(lambda: program(snapshot, settings, scope), recorder, stack=settings.stack, threads=0)
    lines = recorder.problems + [
        f"export {name}: not known" for name, value in outputs.items() if value is None or UNKNOWN in str(value)
    ]
    if lines:
        more = f" (and {len(lines) - 5} more)" if len(lines) > 5 else ""
        raise DeployFailed(
            f"The plan is refused: {'; '.join(lines[:5])}{more}.", "Correct the program or the setting.", problems=lines
        )
    return Plan(tuple(sorted(recorder.resources, key=lambda row: row.urn)), outputs)


def plan(snapshot: Snapshot, settings: Settings, scope: Scope = "all") -> Plan:
    """Return the plan, made in a process of its own. Raises what planning raised."""
    rows = ask(
        [sys.executable, "-m", "modelcote.deploy.program.plan"],
        {"snapshot": snapshot_to_json(snapshot), "settings": settings_to_json(settings), "scope": scope},
        what="planning",
        remedy="See the deployer's log.",
        timeout_s=_SECONDS,
    )
    return plan_from_dict(rows)


def diff(old: Plan, new: Plan) -> Diff:
    """Return what turns `old` into `new`. A resource is updated when its inputs differ."""
    before, after = old.by_urn(), new.by_urn()
    return Diff(
        create=tuple(sorted(after.keys() - before.keys())),
        update=tuple(urn for urn in sorted(after.keys() & before.keys()) if before[urn].inputs != after[urn].inputs),
        delete=tuple(sorted(before.keys() - after.keys())),
    )


def check_deletions(old: Plan, new: Plan, snapshot: Snapshot) -> None:
    """Refuse a difference that deletes anything but the models that have a tombstone.

    A model's own resources and the layers that no other model uses are deleted with it; a model that stays may lose
    its provisioned concurrency. Raises `DeployFailed` naming what else would be deleted, or what should be.
    """
    before = old.by_urn()
    gone = {urn: before[urn] for urn in diff(old, new).delete}
    deleted = {component_name(project, name) for project, name in snapshot.tombstones}
    models = {row.name for row in gone.values() if row.type == MODEL_TYPE}
    existing = {row.name for row in old.resources if row.type == MODEL_TYPE}
    wrong = sorted(models ^ (deleted & existing))
    if wrong:
        raise DeployFailed(
            f"The plan would delete {len(models)} models, of which {', '.join(wrong[:5])} do not match the tombstones.",
            "Nothing was changed. Try again; if it fails again, restore the registry table.",
        )
    others = sorted(urn for urn, row in gone.items() if not _is_removable(row, gone))
    if others:
        raise DeployFailed(
            f"The plan would delete {others[0]}, which no model's deletion explains.",
            "Nothing was changed. Change the platform with `pulumi up`, which shows what it deletes.",
        )


def _is_removable(row: Resource, gone: Mapping[str, Resource]) -> bool:
    top = row
    while top.parent in gone:
        top = gone[top.parent]
    return top.type in (MODEL_TYPE, LAYER_TYPE) or row.type in _REMOVABLE


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """Return plain JSON values, inputs in the order of their names."""
    return {"resources": [_resource_to_dict(row) for row in plan.resources], "outputs": dict(plan.outputs)}


def _resource_to_dict(row: Resource) -> dict[str, Any]:
    return {
        **vars(row),
        "inputs": _plain(row.inputs),
        "depends_on": list(row.depends_on),
        "secrets": sorted(row.secrets),
    }


def _plain(value: Any) -> Any:
    match value:
        case Archive() | Asset():
            return {f"${type(value).__name__.lower()}": _plain(vars(value))}
        case Mapping():
            return {key: _plain(value[key]) for key in sorted(value)}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def plan_from_dict(data: Mapping[str, Any]) -> Plan:
    """Return the plan that `plan_to_dict` wrote."""
    rows = [
        Resource(
            **{
                **row,
                "inputs": _rich(row["inputs"]),
                "depends_on": tuple(row["depends_on"]),
                "secrets": frozenset(row["secrets"]),
            }
        )
        for row in data["resources"]
    ]
    return Plan(tuple(rows), data["outputs"])


def _rich(value: Any) -> Any:
    match value:
        case {"$archive": facts}:
            return Archive(**_rich(facts))
        case {"$asset": facts}:
            return Asset(**facts)
        case Mapping():
            return {key: _rich(item) for key, item in value.items()}
        case list():
            return [_rich(item) for item in value]
        case _:
            return value


def _answer(task: Mapping[str, Any]) -> dict[str, Any]:
    return plan_to_dict(
        plan_here(snapshot_from_json(task["snapshot"]), settings_from_json(task["settings"]), task["scope"])
    )


if __name__ == "__main__":
    answer(_answer)
