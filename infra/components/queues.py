"""The queues of deploy requests, of runs and webhooks, and of events that functions could not process.

Dead runs are processed too: what even that cannot mark moves from `runs-dead` to `failures`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.iam import Statement, document, from_account, tls_only
from infra.naming import child_of, platform_name, tags

# The deployer extends it while it works; after a crash a request is redelivered this many seconds later.
DEPLOY_VISIBILITY_S = 120
DEPLOY_RETENTION_S = 4 * 24 * 3600
DEAD_RETENTION_S = 14 * 24 * 3600  # The longest that SQS keeps a message.
_TRIES = 5
# The timeouts of the functions that consume the queues of runs and webhooks.
RUN_WORKER_S = 90
DELIVER_S = 60
TASK_RESULT_S = 30
DEAD_LETTERS_S = 30
_TIMES = 6  # A queue's visibility timeout, in timeouts of its function: what AWS recommends.
_RETENTION_S = 4 * 24 * 3600
# Longer than its function needs: a result that is processed twice costs more than one that waits.
_RESULTS_VISIBILITY_S = 360


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
class WorkQueuesArgs:
    """`failures_arn`: the queue of dead runs that could not be marked; `bucket_arn`: the one that feeds `results`."""

    settings: Settings
    key_arn: pulumi.Input[str]
    failures_arn: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]


class WorkQueues(pulumi.ComponentResource):
    """`runs`, `deliveries` and `results`, and their dead letters: the queue resources.

    A bucket's notification should wait for `results_policy`.
    """

    def __init__(self, name: str, args: WorkQueuesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:WorkQueues", name, None, opts)
        self._name, self._args = name, args
        self.runs_dead = self._dead("runs", visibility_s=_TIMES * DEAD_LETTERS_S, dead_arn=args.failures_arn)
        self.deliveries_dead = self._dead("deliveries")
        self.results_dead = self._dead("results")
        self.runs, _ = self._queue("runs", self.runs_dead, _TIMES * RUN_WORKER_S)
        self.deliveries, _ = self._queue("deliveries", self.deliveries_dead, _TIMES * DELIVER_S)
        self.results, self.results_policy = self._queue(
            "results", self.results_dead, _RESULTS_VISIBILITY_S, sender=args.bucket_arn
        )
        self.register_outputs({"runs": self.runs.url, "deliveries": self.deliveries.url, "results": self.results.url})

    def _dead(
        self, label: str, *, visibility_s: int | None = None, dead_arn: pulumi.Input[str] | None = None
    ) -> aws.sqs.Queue:
        args = QueueArgs(
            self._args.settings, self._args.key_arn, f"{label}-dead", DEAD_RETENTION_S, visibility_s, dead_arn
        )
        return make_queue(self, f"{self._name}-{label}-dead", args)[0]

    def _queue(
        self, label: str, dead: aws.sqs.Queue, visibility_s: int, *, sender: pulumi.Input[str] | None = None
    ) -> tuple[aws.sqs.Queue, aws.sqs.QueuePolicy]:
        args = QueueArgs(self._args.settings, self._args.key_arn, label, _RETENTION_S, visibility_s, dead.arn, sender)
        return make_queue(self, f"{self._name}-{label}", args)


@dataclass(frozen=True)
class QueueArgs:
    """`physical` ends in `.fifo` for an ordered queue; `dead_arn`: the queue of messages received five times.

    `sender`: the bucket on whose behalf S3 may send to the queue.
    """

    settings: Settings
    key_arn: pulumi.Input[str]
    physical: str
    retention_s: int
    visibility_s: int | None = None
    dead_arn: pulumi.Input[str] | None = None
    sender: pulumi.Input[str] | None = None


def make_queue(parent: pulumi.Resource, name: str, args: QueueArgs) -> tuple[aws.sqs.Queue, aws.sqs.QueuePolicy]:
    """Make an encrypted queue, and the policy that denies access without TLS."""
    queue = aws.sqs.Queue(
        name,
        name=platform_name(args.settings, args.physical),
        fifo_queue=True if args.physical.endswith(".fifo") else None,
        kms_master_key_id=args.key_arn,
        message_retention_seconds=args.retention_s,
        visibility_timeout_seconds=args.visibility_s,
        redrive_policy=_redrive(args.dead_arn) if args.dead_arn is not None else None,
        tags=tags(args.settings),
        opts=child_of(parent),
    )
    statements = [tls_only(queue.arn, service="sqs")]
    if args.sender is not None:
        statements.append(_from_bucket(args.settings, queue.arn, args.sender))
    policy = aws.sqs.QueuePolicy(
        f"{name}-policy", queue_url=queue.url, policy=document(*statements), opts=child_of(parent)
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
