"""The planner: the program run with hands that only write down, and refuse what AWS would.

A plan is the same value for the same snapshot and settings: golden files, policy rules, and the difference
between two plans are made of it. `python -m modelcote.deploy.program.plan` plans what it reads, in its own process.
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
from modelcote.deploy.program.checks import UNKNOWN, problems
from modelcote.deploy.program.limits import NAMES
from modelcote.deploy.program.monitor import Archive, Asset, Resource, run
from modelcote.deploy.program.schema import resource_schema

_SECONDS = 300
# Outputs that exist only with an input.
_CONDITIONAL = {("aws:dynamodb/table:Table", "streamArn"): "streamEnabled"}
# What a model that stays may lose: its provisioned concurrency, when `min_replicas` becomes 0.
_MAY_GO = frozenset({"aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"})


@dataclass(frozen=True)
class Plan:
    """Resources sorted by URN; references to what does not exist yet read `${name.output}`."""

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
    """Hands that write down every resource and answer with placeholders."""

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self.problems: list[str] = []
        self._lock = threading.Lock()

    def create(self, resource: Resource) -> tuple[str, Mapping[str, Any]]:
        found = problems(resource)
        with self._lock:
            self.resources.append(resource)
            self.problems += found
        return f"${{{resource.name}.id}}", placeholders(resource)

    def call(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise DeployFailed(f"The program calls {token} with {dict(args)}.", "Pass what it needs as a setting.")


def placeholders(resource: Resource) -> dict[str, str]:
    """A placeholder for every text that AWS computes, and a marked one for what it would leave empty."""
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
    """The plan, made in this process, which can make no other. Raises `DeployFailed` with all problems."""
    recorder = Recorder()
    outputs = run(lambda: program(snapshot, settings, scope), recorder, stack=settings.stack, threads=0)
    found = recorder.problems + [
        f"export {name}: not known" for name, value in outputs.items() if value is None or UNKNOWN in str(value)
    ]
    if found:
        more = f" (and {len(found) - 5} more)" if len(found) > 5 else ""
        raise DeployFailed(
            f"The plan is refused: {'; '.join(found[:5])}{more}.", "Correct the program or the setting.", problems=found
        )
    return Plan(tuple(sorted(recorder.resources, key=lambda row: row.urn)), outputs)


def plan(snapshot: Snapshot, settings: Settings, scope: Scope = "all") -> Plan:
    """The plan, made in a process of its own. Raises what planning raised."""
    rows = ask(
        [sys.executable, "-m", "modelcote.deploy.program.plan"],
        {"snapshot": snapshot_to_json(snapshot), "settings": settings_to_json(settings), "scope": scope},
        what="planning",
        remedy="See the deployer's log.",
        timeout_s=_SECONDS,
    )
    return plan_from_dict(rows)


def diff(old: Plan, new: Plan) -> Diff:
    """What turns `old` into `new`. A resource is updated when its inputs differ."""
    before, after = old.by_urn(), new.by_urn()
    return Diff(
        create=tuple(sorted(after.keys() - before.keys())),
        update=tuple(urn for urn in sorted(after.keys() & before.keys()) if before[urn].inputs != after[urn].inputs),
        delete=tuple(sorted(before.keys() - after.keys())),
    )


def check_deletions(old: Plan, new: Plan, snapshot: Snapshot) -> None:
    """Refuses a difference that deletes anything but the models that carry a tombstone.

    With a model go its own resources and the layers that no other model uses; a model that stays may lose its
    provisioned concurrency. Raises `DeployFailed` naming what else would go, or what should have gone.
    """
    before = old.by_urn()
    gone = {urn: before[urn] for urn in diff(old, new).delete}
    known = {component_name(project, name) for project, name in snapshot.tombstones}
    models = {row.name for row in gone.values() if row.type == MODEL_TYPE}
    existing = {row.name for row in old.resources if row.type == MODEL_TYPE}
    wrong = sorted(models ^ (known & existing))
    if wrong:
        raise DeployFailed(
            f"The plan would delete {len(models)} models, of which {', '.join(wrong[:5])} do not match the tombstones.",
            "Nothing was changed. Read the registry again; if it stays so, restore the table.",
        )
    others = sorted(urn for urn, row in gone.items() if not _may_go(row, gone))
    if others:
        raise DeployFailed(
            f"The plan would delete {others[0]}, which no model's deletion explains.",
            "Nothing was changed. Change the platform with `pulumi up`, which shows what goes.",
        )


def _may_go(row: Resource, gone: Mapping[str, Resource]) -> bool:
    top = row
    while top.parent in gone:
        top = gone[top.parent]
    return top.type in (MODEL_TYPE, LAYER_TYPE) or row.type in _MAY_GO


def plan_to_dict(made: Plan) -> dict[str, Any]:
    """Plain JSON values, inputs in the order of their names."""
    return {"resources": [_resource_to_dict(row) for row in made.resources], "outputs": dict(made.outputs)}


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
    """The inverse of `plan_to_dict`."""
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
