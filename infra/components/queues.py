"""The queue of deploy requests with its dead letters, the queue of what functions could not do, and how one is made."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.iam import Statement, document, from_account, tls_only
from infra.naming import below, platform_name, tags

# The deployer prolongs it while it works; after a crash a request comes back this many seconds later.
DEPLOY_VISIBILITY_S = 120
DEPLOY_RETENTION_S = 4 * 24 * 3600
DEAD_RETENTION_S = 14 * 24 * 3600  # The longest that SQS keeps a message.
_TRIES = 5


@dataclass(frozen=True)
class QueuesArgs:
    settings: Settings
    key_arn: pulumi.Input[str]


class Queues(pulumi.ComponentResource):
    """`deploys`, its `dead` letters, and `failures`: the queue resources."""

    def __init__(self, name: str, args: QueuesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Queues", name, None, opts)
        dead = QueueArgs(args.settings, args.key_arn, "deploys-dead.fifo", DEAD_RETENTION_S)
        self.dead, _ = make_queue(self, f"{name}-dead", dead)
        deploys = QueueArgs(
            args.settings,
            args.key_arn,
            "deploys.fifo",
            DEPLOY_RETENTION_S,
            visibility_s=DEPLOY_VISIBILITY_S,
            dead_arn=self.dead.arn,
        )
        self.deploys, _ = make_queue(self, f"{name}-deploys", deploys)
        failures = QueueArgs(args.settings, args.key_arn, "failures", DEAD_RETENTION_S)
        self.failures, _ = make_queue(self, f"{name}-failures", failures)
        self.register_outputs({"deploys": self.deploys.url})


@dataclass(frozen=True)
class QueueArgs:
    """`physical` ends in `.fifo` for an ordered queue; `dead_arn`: where a message goes after five receipts.

    `sender`: the bucket that S3 may send to the queue for.
    """

    settings: Settings
    key_arn: pulumi.Input[str]
    physical: str
    retention_s: int
    visibility_s: int | None = None
    dead_arn: pulumi.Input[str] | None = None
    sender: pulumi.Input[str] | None = None


def make_queue(parent: pulumi.Resource, name: str, args: QueueArgs) -> tuple[aws.sqs.Queue, aws.sqs.QueuePolicy]:
    """An encrypted queue that takes TLS only, and the policy that says so."""
    queue = aws.sqs.Queue(
        name,
        name=platform_name(args.settings, args.physical),
        fifo_queue=True if args.physical.endswith(".fifo") else None,
        kms_master_key_id=args.key_arn,
        message_retention_seconds=args.retention_s,
        visibility_timeout_seconds=args.visibility_s,
        redrive_policy=_redrive(args.dead_arn) if args.dead_arn is not None else None,
        tags=tags(args.settings),
        opts=below(parent),
    )
    statements = [tls_only(queue.arn, service="sqs")]
    if args.sender is not None:
        statements.append(_from_bucket(args.settings, queue.arn, args.sender))
    policy = aws.sqs.QueuePolicy(
        f"{name}-policy", queue_url=queue.url, policy=document(*statements), opts=below(parent)
    )
    return queue, policy


def _redrive(dead_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": _TRIES})


def _from_bucket(settings: Settings, queue_arn: pulumi.Input[str], bucket_arn: pulumi.Input[str]) -> Statement:
    return Statement(
        "Arrivals",
        ["sqs:SendMessage"],
        [queue_arn],
        principal={"Service": "s3.amazonaws.com"},
        condition=from_account(settings),
        source_arn=bucket_arn,
    )
