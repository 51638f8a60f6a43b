"""The functions that handle runs and webhooks, and the state machine.

Every function of the platform may also use the key, which `PlatformFunction` grants.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.access.resources import (
    RUN_ROWS,
    actions,
    folders,
    machine_executions,
    model_functions,
    registry_arn,
    runs_arn,
    webhook_secrets,
)
from infra.config import Settings
from infra.iam import Statement
from infra.naming import DUE_INDEX, LONG_RUN, arn, platform_name
from modelcote.core.objects import DETACHED, INPUTS, RESULTS

_CONSUME = actions("sqs", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
_INTERFACES = actions(
    "ec2",
    *("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface", "DescribeSubnets"),
    *("AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"),
)
_LOG_DELIVERY = actions(
    "logs",
    *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
    *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
)
_TRACE = actions("xray", "PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")


@dataclass(frozen=True)
class Work:
    """The ARNs of the bucket and the queues that runs travel through."""

    bucket: pulumi.Input[str]
    runs: pulumi.Input[str]
    runs_dead: pulumi.Input[str]
    deliveries: pulumi.Input[str]
    results: pulumi.Input[str]


def run_worker(settings: Settings, work: Work) -> list[Statement]:
    """Process `runs`: call the model, or start the state machine for a run that may last longer."""
    machine = arn(settings, "states", f"stateMachine:{platform_name(settings, LONG_RUN)}")
    return [
        *_rows(settings),
        _consume(work.runs),
        _send(work.runs, work.deliveries),
        _read(work, RESULTS, INPUTS, DETACHED),
        _missing(work),
        Statement("Models", ["lambda:InvokeFunction"], [model_functions(settings)]),
        Statement("Start", ["states:StartExecution"], [machine]),
    ]


def complete_run(settings: Settings, work: Work) -> list[Statement]:
    """Record the outcome of a long run; after a failure, from what its attempt may have left in S3."""
    return [*_rows(settings), _send(work.runs, work.deliveries), _read(work, RESULTS), _missing(work)]


def task_result(settings: Settings, work: Work) -> list[Statement]:
    """Process `results`: record the outcome of a run that answered into `detached/`."""
    return [
        *_rows(settings),
        _consume(work.results),
        _send(work.runs, work.deliveries),
        _read(work, RESULTS, DETACHED),
    ]


def dead_letters(settings: Settings, work: Work) -> list[Statement]:
    """Process `runs-dead`: mark runs that could not be processed."""
    return [
        Statement("Runs", RUN_ROWS, [runs_arn(settings)]),
        _consume(work.runs_dead),
        _send(work.deliveries),
    ]


def watchdog(settings: Settings, work: Work) -> list[Statement]:
    """Look for runs and deliveries that are overdue, and compare them with their executions and results."""
    return [
        *_rows(settings),
        Statement("Due", ["dynamodb:Query"], [f"{runs_arn(settings)}/index/{DUE_INDEX}"]),
        _send(work.runs, work.deliveries),
        _read(work, RESULTS, DETACHED),
        _missing(work),
        Statement("Executions", ["states:DescribeExecution", "states:StopExecution"], [machine_executions(settings)]),
    ]


def deliver_webhook(settings: Settings, work: Work) -> list[Statement]:
    """Process `deliveries`: sign and send; the health of a receiver is kept in the runs table."""
    return [
        Statement("Registry", ["dynamodb:GetItem"], [registry_arn(settings)]),
        Statement(
            "Runs",
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            [runs_arn(settings)],
        ),
        _consume(work.deliveries),
        _send(work.deliveries),
        _read(work, RESULTS, DETACHED),
        # The first delivery of a project without a secret creates one.
        Statement(
            "WebhookSecrets",
            ["secretsmanager:GetSecretValue", "secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"],
            [webhook_secrets(settings)],
        ),
    ]


def in_network(settings: Settings, function: str) -> list[Statement]:
    """Let Lambda create and delete a function's network interfaces under its role; the function's own code may not."""
    return [
        # Describing has no resource types, and an interface has no name before Lambda creates it.
        Statement("Network", _INTERFACES, ["*"]),
        Statement(
            "NotByCode",
            [*_INTERFACES, "ec2:DetachNetworkInterface"],
            ["*"],
            effect="Deny",
            condition={"ArnEquals": {"lambda:SourceFunctionArn": arn(settings, "lambda", f"function:{function}")}},
        ),
    ]


def long_run(settings: Settings, complete_run_arn: pulumi.Input[str]) -> list[Statement]:
    """Call models and `complete-run`, write the state machine's log and trace."""
    return [
        Statement("Models", ["lambda:InvokeFunction"], [model_functions(settings)]),
        Statement("Complete", ["lambda:InvokeFunction"], [complete_run_arn]),
        Statement("Delivery", _LOG_DELIVERY, ["*"]),
        Statement("Trace", _TRACE, ["*"]),
    ]


def _rows(settings: Settings) -> list[Statement]:
    return [
        Statement("Runs", RUN_ROWS, [runs_arn(settings)]),
        Statement("Registry", ["dynamodb:GetItem"], [registry_arn(settings)]),
    ]


def _consume(queue: pulumi.Input[str]) -> Statement:
    return Statement("Work", _CONSUME, [queue])


def _send(*queues: pulumi.Input[str]) -> Statement:
    return Statement("Send", ["sqs:SendMessage"], queues)


def _read(work: Work, *names: str) -> Statement:
    return Statement("Read", ["s3:GetObject"], folders(work.bucket, *names))


def _missing(work: Work) -> Statement:
    """Have S3 answer 404, not 403, for a result that was never written."""
    return Statement("Missing", ["s3:ListBucket"], [work.bucket])
