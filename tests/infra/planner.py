"""Plans, each made in a process that is forked from one in which Pulumi is imported already.

The SDK keeps its state in module globals, so a process can run one program; and to start Python and import the SDK
takes longer than the program does.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from infra.config import Scope, Settings, settings_from_json, settings_to_json
from modelcote.core.errors import from_problem
from modelcote.core.processes import answer
from modelcote.core.project import project_root
from modelcote.core.snapshot import Snapshot, snapshot_from_json, snapshot_to_json
from modelcote.deploy.program.plan import Plan, plan_from_dict, plan_here, plan_to_dict

# What the program uses of the provider, each part of which is otherwise imported when it is first used.
_SERVICES = (
    *("apigatewayv2", "cloudwatch", "codebuild", "dynamodb", "ec2", "iam"),
    *("kms", "lambda_", "s3", "sfn", "sns", "sqs"),
)


def plan(snapshot: Snapshot, settings: Settings, scope: Scope = "all") -> Plan:
    """Return and raise what `modelcote.deploy.program.plan.plan` does, sooner."""
    process = _process()
    assert process.stdin
    assert process.stdout
    task = {"snapshot": snapshot_to_json(snapshot), "settings": settings_to_json(settings), "scope": scope}
    print(json.dumps(task), file=process.stdin, flush=True)
    line = json.loads(process.stdout.readline())
    if "problem" in line:
        raise from_problem(line["problem"])
    return plan_from_dict(line["answer"])


@cache
def _process() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.infra.planner"],
        cwd=project_root(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def _step(task: Mapping[str, Any]) -> dict[str, Any]:
    snapshot, settings = snapshot_from_json(task["snapshot"]), settings_from_json(task["settings"])
    return plan_to_dict(plan_here(snapshot, settings, task["scope"]))


def main() -> None:
    import pulumi_aws

    for service in _SERVICES:
        dir(getattr(pulumi_aws, service))
    for line in sys.stdin:
        if not os.fork():
            sys.stdin = io.StringIO(line)
            answer(_step)
        os.wait()


if __name__ == "__main__":
    main()
