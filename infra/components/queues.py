"""The queues of deploy requests, of runs and webhooks, and of events that functions could not process.

Dead runs are processed too: what even that cannot mark moves from `runs-dead` to `failures`.
"""

from __future__ import annotations

from functools import partial

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


class Queues(pulumi.ComponentResource):
    """`deploys`, its `dead` letters, and `failures`: the queue resources."""

    def __init__(self, parent: pulumi.Resource, name: str, settings: Settings, key_arn: pulumi.Input[str]) -> None:
        super().__init__("modelcote:platform:Queues", name, None, child_of(parent))
        self.dead, _ = make_queue(self, f"{name}-dead", settings, key_arn, "deploys-dead.fifo", DEAD_RETENTION_S)
        self.deploys, _ = make_queue(
            self,
            f"{name}-deploys",
            settings,
            key_arn,
            "deploys.fifo",
            DEPLOY_RETENTION_S,
            visibility_s=DEPLOY_VISIBILITY_S,
            dead_arn=self.dead.arn,
        )
        self.failures, _ = make_queue(self, f"{name}-failures", settings, key_arn, "failures", DEAD_RETENTION_S)
        self.register_outputs({"deploys": self.deploys.url})


class WorkQueues(pulumi.ComponentResource):
    """`runs`, `deliveries` and `results`, and their dead letters: the queue resources.

    `failures_arn`: the queue of dead runs that could not be marked; `bucket_arn`: the one that feeds `results`, whose
    notification should wait for `results_policy`.
    """

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        settings: Settings,
        key_arn: pulumi.Input[str],
        failures_arn: pulumi.Input[str],
        bucket_arn: pulumi.Input[str],
    ) -> None:
        super().__init__("modelcote:platform:WorkQueues", name, None, child_of(parent))
        dead = partial(make_queue, self, settings=settings, key_arn=key_arn, retention_s=DEAD_RETENTION_S)
        self.runs_dead, _ = dead(
            f"{name}-runs-dead", physical="runs-dead", visibility_s=_TIMES * DEAD_LETTERS_S, dead_arn=failures_arn
        )
        self.deliveries_dead, _ = dead(f"{name}-deliveries-dead", physical="deliveries-dead")
        self.results_dead, _ = dead(f"{name}-results-dead", physical="results-dead")
        make = partial(make_queue, self, settings=settings, key_arn=key_arn, retention_s=_RETENTION_S)
        self.runs, _ = make(
            f"{name}-runs", physical="runs", visibility_s=_TIMES * RUN_WORKER_S, dead_arn=self.runs_dead.arn
        )
        self.deliveries, _ = make(
            f"{name}-deliveries",
            physical="deliveries",
            visibility_s=_TIMES * DELIVER_S,
            dead_arn=self.deliveries_dead.arn,
        )
        self.results, self.results_policy = make(
            f"{name}-results",
            physical="results",
            visibility_s=_RESULTS_VISIBILITY_S,
            dead_arn=self.results_dead.arn,
            sender=bucket_arn,
        )
        self.register_outputs({"runs": self.runs.url, "deliveries": self.deliveries.url, "results": self.results.url})


def make_queue(
    parent: pulumi.Resource,
    name: str,
    settings: Settings,
    key_arn: pulumi.Input[str],
    physical: str,
    retention_s: int,
    *,
    visibility_s: int | None = None,
    dead_arn: pulumi.Input[str] | None = None,
    sender: pulumi.Input[str] | None = None,
) -> tuple[aws.sqs.Queue, aws.sqs.QueuePolicy]:
    """Make an encrypted queue, and the policy that denies access without TLS.

    `physical` ends in `.fifo` for an ordered queue; `dead_arn`: the queue of messages received five times; `sender`:
    the bucket on whose behalf S3 may send to the queue.
    """
    queue = aws.sqs.Queue(
        name,
        name=platform_name(settings, physical),
        fifo_queue=True if physical.endswith(".fifo") else None,
        kms_master_key_id=key_arn,
        message_retention_seconds=retention_s,
        visibility_timeout_seconds=visibility_s,
        redrive_policy=_redrive(dead_arn) if dead_arn is not None else None,
        tags=tags(settings),
        opts=child_of(parent),
    )
    statements = [tls_only(queue.arn, service="sqs")]
    if sender is not None:
        statements.append(_from_bucket(settings, queue.arn, sender))
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
