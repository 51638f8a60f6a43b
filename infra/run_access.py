"""Who may do what of those that handle runs and webhooks: the statements of every role, in one place to read.

Every function of the platform may also use the key, which `PlatformFunction` grants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.access import RUN_ROWS, folders, machine_executions, model_functions, registry_arn, runs_arn, webhook_secrets
from infra.config import Settings
from infra.iam import Statement
from infra.naming import DUE_INDEX, LONG_RUN, arn, platform_name

_WORK_OFF = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility")


@dataclass(frozen=True)
class Work:
    """What runs travel through: the ARNs of the bucket and of the queues."""

    bucket: pulumi.Input[str]
    runs: pulumi.Input[str]
    runs_dead: pulumi.Input[str]
    deliveries: pulumi.Input[str]
    results: pulumi.Input[str]


def run_worker(settings: Settings, work: Work) -> list[Statement]:
    """Works off `runs`: calls the model, or starts the state machine for what lasts longer."""
    machine = arn(settings, "states", f"stateMachine:{platform_name(settings, LONG_RUN)}")
    return [
        *_rows(settings),
        _work_off(work.runs),
        _send(work.runs, work.deliveries),
        _read(work, "results", "inputs", "detached"),
        Statement("Models", ["lambda:InvokeFunction"], [model_functions(settings)]),
        Statement("Start", ["states:StartExecution"], [machine]),
    ]


def complete_run(settings: Settings, work: Work) -> list[Statement]:
    """Writes down what came of a long run, after a failure from what its attempt may have left in S3."""
    return [*_rows(settings), _send(work.runs, work.deliveries), _read(work, "results"), _missing(work)]


def task_result(settings: Settings, work: Work) -> list[Statement]:
    """Works off `results`: writes down what came of a run that answered into `detached/`."""
    return [
        *_rows(settings),
        _work_off(work.results),
        _send(work.runs, work.deliveries),
        _read(work, "results", "detached"),
    ]


def dead_letters(settings: Settings, work: Work) -> list[Statement]:
    """Works off `runs-dead`: marks runs that could not be worked off."""
    return [
        Statement("Runs", RUN_ROWS, [runs_arn(settings)]),
        _work_off(work.runs_dead),
        _send(work.deliveries),
    ]


def watchdog(settings: Settings, work: Work) -> list[Statement]:
    """Looks once a minute for runs and deliveries that are due, and compares with what became of them."""
    return [
        *_rows(settings),
        Statement("Due", ["dynamodb:Query"], [f"{runs_arn(settings)}/index/{DUE_INDEX}"]),
        _send(work.runs, work.deliveries),
        _read(work, "results", "detached"),
        _missing(work),
        Statement("Executions", ["states:DescribeExecution", "states:StopExecution"], [machine_executions(settings)]),
    ]


def deliver_webhook(settings: Settings, work: Work) -> list[Statement]:
    """Works off `deliveries`: signs and sends; the health of an endpoint is kept among the runs."""
    return [
        Statement("Registry", ["dynamodb:GetItem"], [registry_arn(settings)]),
        Statement(
            "Runs",
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            [runs_arn(settings)],
        ),
        _work_off(work.deliveries),
        _send(work.deliveries),
        _read(work, "results", "detached"),
        # The first delivery of a project that has no secret yet makes one.
        Statement(
            "WebhookSecrets",
            ["secretsmanager:GetSecretValue", "secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"],
            [webhook_secrets(settings)],
        ),
    ]


def in_network(settings: Settings, function: str) -> list[Statement]:
    """Lambda makes and removes a function's network interfaces by its role; the function's own code may not."""
    return [
        # Looking knows no resources, and an interface has no name before Lambda makes it.
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
    """The state machine: calls models and `complete-run`, writes its log and its trace."""
    return [
        Statement("Models", ["lambda:InvokeFunction"], [model_functions(settings)]),
        Statement("Complete", ["lambda:InvokeFunction"], [complete_run_arn]),
        Statement("Delivery", [f"logs:{action}" for action in _LOG_DELIVERY], ["*"]),
        Statement("Trace", [f"xray:{action}" for action in _TRACE], ["*"]),
    ]


_INTERFACES = tuple(
    f"ec2:{action}"
    for action in (
        "CreateNetworkInterface",
        "DescribeNetworkInterfaces",
        "DeleteNetworkInterface",
        "DescribeSubnets",
        "AssignPrivateIpAddresses",
        "UnassignPrivateIpAddresses",
    )
)
_LOG_DELIVERY = (
    "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
    "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
)  # fmt: skip
_TRACE = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")


def _rows(settings: Settings) -> list[Statement]:
    return [
        Statement("Runs", RUN_ROWS, [runs_arn(settings)]),
        Statement("Registry", ["dynamodb:GetItem"], [registry_arn(settings)]),
    ]


def _work_off(queue: pulumi.Input[str]) -> Statement:
    return Statement("Work", _WORK_OFF, [queue])


def _send(*queues: pulumi.Input[str]) -> Statement:
    return Statement("Send", ["sqs:SendMessage"], queues)


def _read(work: Work, *names: str) -> Statement:
    objects: Sequence[pulumi.Output[str]] = folders(work.bucket, *names)
    return Statement("Read", ["s3:GetObject"], objects)


def _missing(work: Work) -> Statement:
    """Without it S3 answers 403, not 404, for a result that never came."""
    return Statement("Missing", ["s3:ListBucket"], [work.bucket])
