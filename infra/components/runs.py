"""Runs and webhooks: the six functions that process them, their event sources, and the state machine of long runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.access import runs as access
from infra.access.runs import Work
from infra.components.event_sources import Arrivals, EveryMinute, QueueSource
from infra.components.functions import PlatformFunction, PlatformFunctionArgs
from infra.components.queues import DEAD_LETTERS_S, DELIVER_S, RUN_WORKER_S, TASK_RESULT_S, WorkQueues
from infra.components.state_machines import LongRun
from infra.config import Settings, WebhookNetwork
from infra.iam import Statement
from infra.naming import LONG_RUN, child_of

_COMPLETE_S = 30
_WATCHDOG_S = 55  # It is called once a minute, and never twice at once.
_LARGE_MB = 512
_SMALL_MB = 256


@dataclass(frozen=True)
class RunsArgs:
    """`environment`: the variables of every function that handles runs."""

    settings: Settings
    key_arn: pulumi.Input[str]
    layer_arn: pulumi.Input[str]
    failures_arn: pulumi.Input[str]
    bucket: aws.s3.Bucket
    queues: WorkQueues
    environment: Mapping[str, pulumi.Input[str]]


class Runs(pulumi.ComponentResource):
    """`functions`: physical name and timeout in seconds by short name; `machine`: the state machine of long runs."""

    def __init__(self, parent: pulumi.Resource, name: str, args: RunsArgs) -> None:
        super().__init__("modelcote:platform:Runs", name, None, child_of(parent))
        self._name, self._args = name, args
        self.functions: dict[str, tuple[pulumi.Output[str], int]] = {}
        settings, queues = args.settings, args.queues
        work = Work(args.bucket.arn, queues.runs.arn, queues.runs_dead.arn, queues.deliveries.arn, queues.results.arn)
        complete = self._function(
            "complete-run", _LARGE_MB, _COMPLETE_S, access.complete_run(settings, work), args.environment
        )
        self.machine = LongRun(self, f"{name}-{LONG_RUN}", settings, args.key_arn, complete.arn).machine
        with_machine = {**args.environment, "MODELCOTE_STATE_MACHINE_ARN": self.machine.arn}
        worker = self._function("run-worker", _LARGE_MB, RUN_WORKER_S, access.run_worker(settings, work), with_machine)
        watchdog = self._function("watchdog", _LARGE_MB, _WATCHDOG_S, access.watchdog(settings, work), with_machine)
        # The one function that calls addresses chosen by callers.
        deliver = self._function(
            "deliver-webhook",
            _LARGE_MB,
            DELIVER_S,
            access.deliver_webhook(settings, work),
            args.environment,
            settings.webhook_network,
        )
        result = self._function(
            "task-result", _SMALL_MB, TASK_RESULT_S, access.task_result(settings, work), args.environment
        )
        dead = self._function(
            "dead-letters", _SMALL_MB, DEAD_LETTERS_S, access.dead_letters(settings, work), args.environment
        )
        self._source("runs", "run-worker", work.runs, worker)
        self._source("deliveries", "deliver-webhook", work.deliveries, deliver)
        self._source("results", "task-result", work.results, result)
        self._source("runs-dead", "dead-letters", work.runs_dead, dead)
        EveryMinute(self, f"{name}-schedule", settings, "watchdog", watchdog)
        Arrivals(self, f"{name}-arrivals", args.bucket.bucket, queues.results.arn, queues.results_policy)
        self.register_outputs({"machine": self.machine.arn})

    def _function(
        self,
        name: str,
        memory_mb: int,
        timeout_s: int,
        statements: Sequence[Statement],
        environment: Mapping[str, pulumi.Input[str]],
        network: WebhookNetwork | None = None,
    ) -> aws.lambda_.Function:
        args = self._args
        function = PlatformFunction(
            self,
            f"{self._name}-{name}",
            PlatformFunctionArgs(
                settings=args.settings,
                name=name,
                key_arn=args.key_arn,
                layer_arn=args.layer_arn,
                failures_arn=args.failures_arn,
                memory_mb=memory_mb,
                timeout_s=timeout_s,
                environment=environment,
                access=statements,
                network=network,
            ),
        ).function
        self.functions[name] = (function.name, timeout_s)
        return function

    def _source(self, label: str, name: str, queue_arn: pulumi.Input[str], function: aws.lambda_.Function) -> None:
        settings = self._args.settings
        QueueSource(self, f"{self._name}-{label}-source", settings, queue_arn, function, settings.concurrency[name])
