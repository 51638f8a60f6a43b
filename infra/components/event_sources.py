"""A queue that feeds a function, ten messages at a time; those that fail come back alone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.naming import below, tags

_BATCH = 10
_LEAST_CONCURRENCY = 2  # AWS takes no smaller bound: a function with less is bounded by its own concurrency alone.
_MOST_CONCURRENCY = 1_000


@dataclass(frozen=True)
class QueueSourceArgs:
    """`concurrency`: the function's reserved concurrency, above which polling would only be throttled."""

    settings: Settings
    queue_arn: pulumi.Input[str]
    function: aws.lambda_.Function
    concurrency: int


class QueueSource(pulumi.ComponentResource):
    """`mapping`: the event source mapping."""

    def __init__(self, name: str, args: QueueSourceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:QueueSource", name, None, opts)
        bound = min(args.concurrency, _MOST_CONCURRENCY)
        self.mapping = aws.lambda_.EventSourceMapping(
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
            opts=below(self),
        )
        self.register_outputs({"mapping": self.mapping.uuid})
