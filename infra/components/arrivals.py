"""What the bucket tells a queue: that a result came from outside of any call (`detached/`)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.naming import below


@dataclass(frozen=True)
class ArrivalsArgs:
    """`queue_policy` lets S3 send: S3 tries it before it takes the notification."""

    bucket: pulumi.Input[str]
    queue_arn: pulumi.Input[str]
    queue_policy: aws.sqs.QueuePolicy


class Arrivals(pulumi.ComponentResource):
    """The bucket's one notification configuration: a second one would replace it."""

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
                    filter_prefix="detached/",
                )
            ],
            opts=below(self, args.queue_policy),
        )
        self.register_outputs({})
