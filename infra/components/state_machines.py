"""The state machine of runs that last longer than a queue's worker may: `infra/state_machines/long_run.asl.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from infra import run_access
from infra.config import Settings
from infra.iam import document, trust
from infra.naming import LONG_RUN, below, platform_name, tags

DEFINITIONS = Path(__file__).resolve().parent.parent / "state_machines"


@dataclass(frozen=True)
class LongRunArgs:
    """`complete_run_arn`: the function that writes down what came of a run."""

    settings: Settings
    key_arn: pulumi.Input[str]
    complete_run_arn: pulumi.Output[str]


class LongRun(pulumi.ComponentResource):
    """`machine`: the state machine; an execution is named by its run and attempt, which makes it run once."""

    def __init__(self, name: str, args: LongRunArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:LongRun", name, None, opts)
        settings = args.settings
        physical = platform_name(settings, LONG_RUN)
        log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            # Under this prefix the log service keeps one resource policy for all groups, which may hold ten only.
            name=f"/aws/vendedlogs/states/{physical}",
            kms_key_id=args.key_arn,
            retention_in_days=settings.log_retention_days,
            tags=tags(settings),
            opts=below(self),
        )
        role = aws.iam.Role(
            f"{name}-role",
            path=f"/modelcote/{settings.stack}/",
            assume_role_policy=trust(settings, "states.amazonaws.com"),
            tags=tags(settings),
            opts=below(self),
        )
        policy = aws.iam.RolePolicy(
            f"{name}-access",
            role=role.name,
            policy=document(*run_access.long_run(settings, args.complete_run_arn)),
            opts=below(self),
        )
        self.machine = aws.sfn.StateMachine(
            f"{name}-machine",
            name=physical,
            type="STANDARD",
            role_arn=role.arn,
            definition=args.complete_run_arn.apply(lambda arn: definition("long_run", CompleteRunArn=arn)),
            logging_configuration=aws.sfn.StateMachineLoggingConfigurationArgs(
                level="ERROR",
                # Inputs and results are callers' data.
                include_execution_data=False,
                log_destination=pulumi.Output.concat(log.arn, ":*"),
            ),
            tracing_configuration=aws.sfn.StateMachineTracingConfigurationArgs(enabled=True),
            tags=tags(settings),
            # AWS tries the role's rights to the log when the machine is made.
            opts=below(self, policy),
        )
        self.register_outputs({"machine": self.machine.arn})


def definition(name: str, **values: str) -> str:
    """A definition with its placeholders (`${CompleteRunArn}`) filled, on one line."""
    text = (DEFINITIONS / f"{name}.asl.json").read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"${{{key}}}", value)
    return json.dumps(json.loads(text))
