"""The state machine of runs that may last longer than a queue's worker: `infra/state_machines/long_run.asl.json`."""

from __future__ import annotations

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws

from infra.access import runs as access
from infra.components.identity import logged_role
from infra.config import Settings
from infra.naming import LONG_RUN, child_of, platform_name, tags

DEFINITIONS = Path(__file__).resolve().parent.parent / "state_machines"


class LongRun(pulumi.ComponentResource):
    """`machine`: the state machine; an execution is named by its run and attempt, so that it runs once.

    `complete_run_arn`: the function that records the outcome of a run.
    """

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        settings: Settings,
        key_arn: pulumi.Input[str],
        complete_run_arn: pulumi.Output[str],
    ) -> None:
        super().__init__("modelcote:platform:LongRun", name, None, child_of(parent))
        physical = platform_name(settings, LONG_RUN)
        own = logged_role(
            self,
            name,
            settings,
            service="states",
            # Under this prefix the log service keeps one resource policy for all groups; an account may have ten only.
            group=f"/aws/vendedlogs/states/{physical}",
            key_arn=key_arn,
            access=access.long_run(settings, complete_run_arn),
        )
        self.machine = aws.sfn.StateMachine(
            f"{name}-machine",
            name=physical,
            type="STANDARD",
            role_arn=own.role.arn,
            definition=complete_run_arn.apply(lambda arn: definition("long_run", CompleteRunArn=arn)),
            logging_configuration=aws.sfn.StateMachineLoggingConfigurationArgs(
                level="ERROR",
                # Inputs and results are callers' data.
                include_execution_data=False,
                log_destination=pulumi.Output.concat(own.log.arn, ":*"),
            ),
            tracing_configuration=aws.sfn.StateMachineTracingConfigurationArgs(enabled=True),
            tags=tags(settings),
            # AWS checks the role's rights to the log when the machine is created.
            opts=child_of(self, own.policy),
        )
        self.register_outputs({"machine": self.machine.arn})


def definition(name: str, **values: str) -> str:
    """Return a definition on one line, with its placeholders (`${CompleteRunArn}`) filled."""
    text = (DEFINITIONS / f"{name}.asl.json").read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"${{{key}}}", value)
    return json.dumps(json.loads(text))
