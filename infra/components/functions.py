"""A function of the platform itself: gateway, control, the deployer's trigger, and those that handle runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.identity import logged_role
from infra.components.networks import Network
from infra.config import Settings, WebhookNetwork
from infra.iam import Statement, tracing, write_log
from infra.naming import child_of, log_group, platform_name, tags


@dataclass(frozen=True)
class PlatformFunctionArgs:
    """`name` is short (`gateway`); memory in MB, timeout in seconds.

    `failures_arn`: the queue of events that could not be processed; `network`: None for Lambda's own network.
    """

    settings: Settings
    name: str
    key_arn: pulumi.Input[str]
    layer_arn: pulumi.Input[str]
    failures_arn: pulumi.Input[str]
    memory_mb: int
    timeout_s: int
    environment: Mapping[str, pulumi.Input[str]]
    access: Sequence[Statement]
    network: WebhookNetwork | None = None


class PlatformFunction(pulumi.ComponentResource):
    """`function`: the Lambda function resource."""

    def __init__(self, parent: pulumi.Resource, name: str, args: PlatformFunctionArgs) -> None:
        super().__init__("modelcote:platform:Function", name, None, child_of(parent))
        settings = args.settings
        physical = platform_name(settings, args.name)
        own = logged_role(
            self,
            name,
            settings,
            service="lambda",
            group=log_group(physical),
            key_arn=args.key_arn,
            access=[
                write_log(settings, log_group(physical)),
                tracing(),
                Statement("Key", ["kms:Decrypt", "kms:GenerateDataKey"], [args.key_arn]),
                Statement("Failures", ["sqs:SendMessage"], [args.failures_arn]),
                *args.access,
            ],
        )
        vpc_config = None
        if args.network is not None:
            network = Network(self, f"{name}-network", settings, args.network, function=physical, role=own.role.name)
            vpc_config = network.vpc_config
        self.function = aws.lambda_.Function(
            f"{name}-function",
            name=physical,
            role=own.role.arn,
            runtime=f"python{settings.platform_layer.python_version}",
            handler=f"handlers.{args.name.replace('-', '_')}.handler",
            code=pulumi.FileArchive(settings.platform_archive),
            layers=[args.layer_arn],
            architectures=[settings.architecture],
            memory_size=args.memory_mb,
            timeout=args.timeout_s,
            reserved_concurrent_executions=settings.concurrency[args.name],
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=args.environment),
            kms_key_arn=args.key_arn,
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
            vpc_config=vpc_config,
            dead_letter_config=aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=args.failures_arn),
            tags=tags(settings),
            # Without its log group and its rights the first call would fail, or create a log group of its own.
            opts=child_of(self, own.log, own.policy),
        )
        self.register_outputs({"name": self.function.name})
