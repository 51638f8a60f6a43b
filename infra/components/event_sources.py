"""What calls the functions: a queue, a schedule, and the bucket through a queue."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.naming import child_of, platform_name, tags
from modelcote.core.objects import DETACHED

_BATCH = 10
_LEAST_CONCURRENCY = 2  # AWS accepts no smaller bound: such a function is bounded by its own concurrency alone.
_MOST_CONCURRENCY = 1_000


class QueueSource(pulumi.ComponentResource):
    """A queue that feeds a function, ten messages at a time; those that fail are redelivered alone.

    `concurrency`: the function's reserved concurrency; to poll more would only be throttled.
    """

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        settings: Settings,
        queue_arn: pulumi.Input[str],
        function: aws.lambda_.Function,
        concurrency: int,
    ) -> None:
        super().__init__("modelcote:platform:QueueSource", name, None, child_of(parent))
        bound = min(concurrency, _MOST_CONCURRENCY)
        mapping = aws.lambda_.EventSourceMapping(
            f"{name}-mapping",
            event_source_arn=queue_arn,
            function_name=function.name,
            batch_size=_BATCH,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=(
                aws.lambda_.EventSourceMappingScalingConfigArgs(maximum_concurrency=bound)
                if bound >= _LEAST_CONCURRENCY
                else None
            ),
            tags=tags(settings),
            opts=child_of(self),
        )
        self.register_outputs({"mapping": mapping.uuid})


class EveryMinute(pulumi.ComponentResource):
    """A function that is called once a minute. `label`: the rule's short name."""

    def __init__(
        self, parent: pulumi.Resource, name: str, settings: Settings, label: str, function: aws.lambda_.Function
    ) -> None:
        super().__init__("modelcote:platform:EveryMinute", name, None, child_of(parent))
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=platform_name(settings, label),
            description=f"modelcote {settings.stack}: {label}, once a minute",
            schedule_expression="rate(1 minute)",
            state="ENABLED",
            tags=tags(settings),
            opts=child_of(self),
        )
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            opts=child_of(self),
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            arn=function.arn,
            target_id=label,
            input="{}",
            opts=child_of(self, permission),
        )
        self.register_outputs({"rule": rule.arn})


class Arrivals(pulumi.ComponentResource):
    """A message for each result that arrives outside any call, in `detached/`.

    The bucket's one notification configuration: a second one would replace it. `queue_policy` lets S3 send, which S3
    checks before it accepts the notification.
    """

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        bucket: pulumi.Input[str],
        queue_arn: pulumi.Input[str],
        queue_policy: aws.sqs.QueuePolicy,
    ) -> None:
        super().__init__("modelcote:platform:Arrivals", name, None, child_of(parent))
        aws.s3.BucketNotification(
            f"{name}-notification",
            bucket=bucket,
            queues=[
                aws.s3.BucketNotificationQueueArgs(
                    id="detached",
                    queue_arn=queue_arn,
                    events=["s3:ObjectCreated:*"],
                    filter_prefix=f"{DETACHED}/",
                )
            ],
            opts=child_of(self, queue_policy),
        )
        self.register_outputs({})
