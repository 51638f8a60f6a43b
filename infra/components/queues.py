"""The queue of deploy requests with its dead-letter queue, and the queue of functions' failed asynchronous calls."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.iam import document, tls_only
from infra.naming import below, platform_name, tags

# The deployer prolongs it while it works; after a crash a request comes back this many seconds later.
DEPLOY_VISIBILITY_S = 120
DEPLOY_RETENTION_S = 4 * 24 * 3600
_DEAD_RETENTION_S = 14 * 24 * 3600  # The longest that SQS keeps a message.
_TRIES = 5


@dataclass(frozen=True)
class QueuesArgs:
    settings: Settings
    key_arn: pulumi.Input[str]


class Queues(pulumi.ComponentResource):
    """`deploys`, its `dead` letters, and `failures`: the queue resources."""

    def __init__(self, name: str, args: QueuesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Queues", name, None, opts)
        self._args = args
        self.dead = self._queue(f"{name}-dead", "deploys-dead.fifo", retention=_DEAD_RETENTION_S)
        self.deploys = self._queue(
            f"{name}-deploys",
            "deploys.fifo",
            retention=DEPLOY_RETENTION_S,
            visibility=DEPLOY_VISIBILITY_S,
            redrive=pulumi.Output.json_dumps({"deadLetterTargetArn": self.dead.arn, "maxReceiveCount": _TRIES}),
        )
        self.failures = self._queue(f"{name}-failures", "failures", retention=_DEAD_RETENTION_S)
        self.register_outputs({"deploys": self.deploys.url})

    def _queue(
        self,
        name: str,
        physical: str,
        *,
        retention: int,
        visibility: int | None = None,
        redrive: pulumi.Input[str] | None = None,
    ) -> aws.sqs.Queue:
        queue = aws.sqs.Queue(
            name,
            name=platform_name(self._args.settings, physical),
            fifo_queue=True if physical.endswith(".fifo") else None,
            kms_master_key_id=self._args.key_arn,
            message_retention_seconds=retention,
            visibility_timeout_seconds=visibility,
            redrive_policy=redrive,
            tags=tags(self._args.settings),
            opts=below(self),
        )
        aws.sqs.QueuePolicy(
            f"{name}-policy",
            queue_url=queue.url,
            policy=document(tls_only(queue.arn, service="sqs")),
            opts=below(self),
        )
        return queue
