"""One run of the Pulumi engine: `python -m modelcote.deploy.program.pulumi_run` (see `modelcote.core.processes`).

Before AWS is called, the plan is made and checked: what the stack's state holds and the plan does not
must be exactly what has a tombstone. The engine's own output goes to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from pulumi import automation as auto

from infra.config import settings_from_json
from infra.program import program
from modelcote.core.errors import DeployFailed
from modelcote.core.processes import answer
from modelcote.core.snapshot import snapshot_from_json
from modelcote.deploy.program.monitor import Resource
from modelcote.deploy.program.plan import Plan, check_deletions, plan
from modelcote.deploy.program.pulumi_engine import Task

PROJECT = "modelcote"
# The engine's own resources, which no program registers.
_NOT_OURS = ("pulumi:pulumi:Stack", "pulumi:providers:")


def execute(task: Task) -> dict[str, Any]:
    """Run the engine; return the program's exports. Raises `DeployFailed`."""
    snapshot, settings = snapshot_from_json(task.snapshot), settings_from_json(task.settings)
    planned = plan(snapshot, settings, task.scope)
    stack = auto.create_or_select_stack(
        task.stack,
        project_name=PROJECT,
        program=lambda: program(snapshot, settings, task.scope),
        opts=auto.LocalWorkspaceOptions(
            work_dir=task.work_dir,
            pulumi_home=task.pulumi_home,
            project_settings=auto.ProjectSettings(
                PROJECT, runtime="python", backend=auto.ProjectBackend(task.backend_url)
            ),
            secrets_provider=f"awskms://alias/modelcote-{settings.stack}-main?region={task.region}"
            if task.backend_url.startswith("s3://") and task.scope == "model"
            else None,
        ),
    )
    stack.set_config("aws:region", auto.ConfigValue(task.region))
    check_deletions(state_plan(stack.export_stack().deployment or {}), planned, snapshot)
    try:
        return _outputs(stack.up(on_output=_tell))
    except auto.ConcurrentUpdateError:
        # This process has the lease, so the one that locked the stack is dead.
        _tell("the stack is locked by a deployer that died: cancel, refresh, up")
        stack.cancel()
        stack.refresh(on_output=_tell)
        return _outputs(stack.up(on_output=_tell))


def state_plan(deployment: Mapping[str, Any]) -> Plan:
    """Return what a stack's exported state holds, as a plan: URNs, types, names and parents, without inputs."""
    rows = [row for row in deployment.get("resources", ()) if not row["type"].startswith(_NOT_OURS)]
    resources = [
        Resource(
            urn=row["urn"],
            type=row["type"],
            name=row["urn"].rpartition("::")[2],
            parent=row.get("parent", ""),
            custom=bool(row.get("custom")),
            inputs={},
            protect=bool(row.get("protect")),
        )
        for row in rows
        if not row.get("delete")
    ]
    return Plan(tuple(sorted(resources, key=lambda row: row.urn)))


def _outputs(result: auto.UpResult) -> dict[str, Any]:
    return {name: output.value for name, output in result.outputs.items() if not output.secret}


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _answer(task: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return execute(Task(**task))
    except auto.CommandError as error:
        raise DeployFailed(
            f"The engine failed: {str(error)[-900:]}", "Correct what it names, then deploy again."
        ) from error


if __name__ == "__main__":
    answer(_answer)
