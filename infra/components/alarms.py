"""Alarms on the platform's own resources, to one topic.

Models have none of their own: three alarms a model would cost more than most models do. A failing
model shows in the API's 5xx.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.iam import Statement, document, from_account, tls_only
from infra.naming import child_of, platform_name, tags

_MINUTE = 60


@dataclass(frozen=True)
class AlarmsArgs:
    """`functions`: name and timeout in seconds; `waiting`: a queue's name and the most seconds that a message may wait.

    `machines`: the ARNs of state machines.
    """

    settings: Settings
    key_arn: pulumi.Input[str]
    api_id: pulumi.Input[str]
    functions: Mapping[str, tuple[pulumi.Input[str], int]]
    dead_queues: Mapping[str, pulumi.Input[str]]
    waiting: Mapping[str, tuple[pulumi.Input[str], int]]
    machines: Mapping[str, pulumi.Input[str]]
    tables: Sequence[str]


@dataclass(frozen=True)
class _Metric:
    """A metric over five minutes; one of `statistic` and `percentile` is set."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str | None = "Sum"
    percentile: str | None = None


class Alarms(pulumi.ComponentResource):
    """`topic`: the SNS topic of all alarms, with a subscription by mail if the settings have an address."""

    def __init__(self, parent: pulumi.Resource, name: str, args: AlarmsArgs) -> None:
        super().__init__("modelcote:platform:Alarms", name, None, child_of(parent))
        self._name, self._settings = name, args.settings
        self.topic = self._topic(args)
        for label, queue in args.dead_queues.items():
            metric = _Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}, "Maximum")
            self._alarm(f"{label}-not-empty", metric, 0, "A message could not be processed.")
        for label, (queue, most_s) in args.waiting.items():
            age = _Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": queue}, "Maximum")
            self._alarm(f"{label}-old", age, most_s, f"A message of {label} has waited too long.")
        for label, machine in args.machines.items():
            at = {"StateMachineArn": machine}
            self._alarm(f"{label}-failed", _Metric("AWS/States", "ExecutionsFailed", at), 0, "An execution failed.")
            self._alarm(
                f"{label}-timed-out", _Metric("AWS/States", "ExecutionsTimedOut", at), 0, "An execution timed out."
            )
        exhausted = _Metric("modelcote", "DeliveriesExhausted", {"Stack": args.settings.stack})
        self._alarm("deliveries-exhausted", exhausted, 0, "A webhook failed after its last attempt.")
        for label, (function, timeout_s) in args.functions.items():
            at = {"FunctionName": function}
            slow = _Metric("AWS/Lambda", "Duration", at, None, "p99")
            self._alarm(f"{label}-errors", _Metric("AWS/Lambda", "Errors", at), 0, "The function failed.")
            self._alarm(f"{label}-throttles", _Metric("AWS/Lambda", "Throttles", at), 0, "Calls were throttled.")
            self._alarm(f"{label}-slow", slow, timeout_s * 800, "p99 is above 80 % of the timeout.")
        for table in args.tables:
            metric = _Metric("AWS/DynamoDB", "ThrottledRequests", {"TableName": platform_name(args.settings, table)})
            self._alarm(f"{table}-throttled", metric, 0, "DynamoDB throttled requests.")
        failing = _Metric("AWS/ApiGateway", "5xx", {"ApiId": args.api_id}, "Average")
        self._alarm("api-5xx", failing, 0.01, "More than 1 % of the answers are 5xx.")
        self.register_outputs({"topic": self.topic.arn})

    def _topic(self, args: AlarmsArgs) -> aws.sns.Topic:
        topic = aws.sns.Topic(
            f"{self._name}-topic",
            name=platform_name(args.settings, "alarms"),
            kms_master_key_id=args.key_arn,
            tags=tags(args.settings),
            opts=child_of(self),
        )
        publish = Statement(
            "Publish",
            ["sns:Publish"],
            [topic.arn],
            principal={"Service": "cloudwatch.amazonaws.com"},
            condition=from_account(args.settings),
        )
        tls = tls_only(topic.arn, service="sns")
        aws.sns.TopicPolicy(
            f"{self._name}-policy",
            arn=topic.arn,
            # SNS rejects `sns:*`: some of its actions do not apply to a topic.
            policy=document(
                Statement(tls.sid, ["sns:Publish"], tls.resources, tls.effect, "*", tls.condition), publish
            ),
            opts=child_of(self),
        )
        if args.settings.alarm_email:
            aws.sns.TopicSubscription(
                f"{self._name}-mail",
                topic=topic.arn,
                protocol="email",
                endpoint=args.settings.alarm_email,
                opts=child_of(self),
            )
        return topic

    def _alarm(self, label: str, metric: _Metric, above: float, meaning: str) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{label}",
            name=platform_name(self._settings, label),
            alarm_description=meaning,
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=metric.dimensions,
            statistic=metric.statistic,
            extended_statistic=metric.percentile,
            comparison_operator="GreaterThanThreshold",
            threshold=above,
            period=5 * _MINUTE,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic.arn],
            tags=tags(self._settings),
            opts=child_of(self),
        )
