"""What calls the functions: a queue, a schedule, and the bucket through a queue."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.naming import child_of, platform_name, tags
from modelcote.core.objects import DETACHED

_BATCH = 10
_LEAST_CONCURRENCY = 2  # AWS accepts no smaller bound: such a function is bounded by its own concurrency alone.
_MOST_CONCURRENCY = 1_000


@dataclass(frozen=True)
class QueueSourceArgs:
    """`concurrency`: the function's reserved concurrency; to poll more would only be throttled."""

    settings: Settings
    queue_arn: pulumi.Input[str]
    function: aws.lambda_.Function
    concurrency: int


class QueueSource(pulumi.ComponentResource):
    """A queue that feeds a function, ten messages at a time; those that fail are redelivered alone."""

    def __init__(self, name: str, args: QueueSourceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:QueueSource", name, None, opts)
        bound = min(args.concurrency, _MOST_CONCURRENCY)
        mapping = aws.lambda_.EventSourceMapping(
            f"{name}-mapping",
            event_source_arn=args.queue_arn,
            function_name=args.function.name,
            batch_size=_BATCH,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=(
                aws.lambda_.EventSourceMappingScalingConfigArgs(maximum_concurrency=bound)
                if bound >= _LEAST_CONCURRENCY
                else None
            ),
            tags=tags(args.settings),
            opts=child_of(self),
        )
        self.register_outputs({"mapping": mapping.uuid})


@dataclass(frozen=True)
class EveryMinuteArgs:
    """`label`: the rule's short name."""

    settings: Settings
    label: str
    function: aws.lambda_.Function


class EveryMinute(pulumi.ComponentResource):
    """A function that is called once a minute."""

    def __init__(self, name: str, args: EveryMinuteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:EveryMinute", name, None, opts)
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=platform_name(args.settings, args.label),
            description=f"modelcote {args.settings.stack}: {args.label}, once a minute",
            schedule_expression="rate(1 minute)",
            state="ENABLED",
            tags=tags(args.settings),
            opts=child_of(self),
        )
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=args.function.name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            opts=child_of(self),
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            arn=args.function.arn,
            target_id=args.label,
            input="{}",
            opts=child_of(self, permission),
        )
        self.register_outputs({"rule": rule.arn})


@dataclass(frozen=True)
class ArrivalsArgs:
    """`queue_policy` lets S3 send, which S3 checks before it accepts the notification."""

    bucket: pulumi.Input[str]
    queue_arn: pulumi.Input[str]
    queue_policy: aws.sqs.QueuePolicy


class Arrivals(pulumi.ComponentResource):
    """A message for each result that arrives outside any call, in `detached/`.

    The bucket's one notification configuration: a second one would replace it.
    """

    def __init__(self, name: str, args: ArrivalsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Arrivals", name, None, opts)
        aws.s3.BucketNotification(
            f"{name}-notification",
            bucket=args.bucket,
            queues=[
                aws.s3.BucketNotificationQueueArgs(
                    id="detached",
                    queue_arn=args.queue_arn,
                    events=["s3:ObjectCreated:*"],
                    filter_prefix=f"{DETACHED}/",
                )
            ],
            opts=child_of(self, args.queue_policy),
        )
        self.register_outputs({})
