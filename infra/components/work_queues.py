"""The queues that runs and webhooks travel through, each with its dead letters.

What comes to `runs-dead` is worked off too, so that queue passes on to the failures' queue what even that could not.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.queues import DEAD_RETENTION_S, QueueArgs, make_queue
from infra.config import Settings

# The timeouts of the functions that work them off, and what AWS asks of a queue that feeds a function.
RUN_WORKER_S = 90
DELIVER_S = 60
TASK_RESULT_S = 30
DEAD_LETTERS_S = 30
_TIMES = 6
_RETENTION_S = 4 * 24 * 3600
# Longer than its function needs: a result that is looked at twice costs more than one that waits.
_RESULTS_VISIBILITY_S = 360


@dataclass(frozen=True)
class WorkQueuesArgs:
    """`failures_arn`: where dead runs go that nobody could mark; `bucket_arn`: whose new objects `results` hears of."""

    settings: Settings
    key_arn: pulumi.Input[str]
    failures_arn: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]


class WorkQueues(pulumi.ComponentResource):
    """`runs`, `deliveries` and `results`, and their dead letters: the queue resources.

    `results_policy`: what a bucket's notification should wait for.
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
