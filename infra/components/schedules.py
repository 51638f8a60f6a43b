"""A function that is called once a minute."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.naming import below, platform_name, tags


@dataclass(frozen=True)
class EveryMinuteArgs:
    """`label`: the rule's short name, which says what is done."""

    settings: Settings
    label: str
    function: aws.lambda_.Function


class EveryMinute(pulumi.ComponentResource):
    """`rule`: the EventBridge rule."""

    def __init__(self, name: str, args: EveryMinuteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:EveryMinute", name, None, opts)
        self.rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=platform_name(args.settings, args.label),
            description=f"modelcote {args.settings.stack}: {args.label}, once a minute",
            schedule_expression="rate(1 minute)",
            state="ENABLED",
            tags=tags(args.settings),
            opts=below(self),
        )
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=args.function.name,
            principal="events.amazonaws.com",
            source_arn=self.rule.arn,
            opts=below(self),
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=self.rule.name,
            arn=args.function.arn,
            target_id=args.label,
            input="{}",
            opts=below(self, permission),
        )
        self.register_outputs({"rule": self.rule.arn})
