"""The platform's own functions over HTTP: the gateway and control."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from infra.access.resources import (
    READ_TABLE,
    RUN_ROWS,
    WRITE_OBJECTS,
    WRITE_TABLE,
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
from infra.naming import arn, log_group
from modelcote.core.objects import BUNDLES, DETACHED, INPUTS, RESULTS, UPLOADS

_KEEP_SECRETS = actions(
    "secretsmanager",
    *("CreateSecret", "PutSecretValue", "DescribeSecret", "DeleteSecret", "RestoreSecret", "TagResource"),
)
# To rotate a secret, control reads the version in use and moves the labels.
_ROTATE_SECRETS = actions("secretsmanager", "GetSecretValue", "UpdateSecretVersionStage")


def gateway(settings: Settings, bucket_arn: pulumi.Input[str], runs_queue_arn: pulumi.Input[str]) -> list[Statement]:
    """Read keys and models, call the models' functions, accept runs."""
    return [
        Statement("Registry", READ_TABLE, [registry_arn(settings)]),
        Statement("Models", ["lambda:InvokeFunction"], [model_functions(settings)]),
        Statement("Runs", RUN_ROWS, [runs_arn(settings)]),
        Statement("Inputs", ["s3:GetObject", "s3:PutObject"], folders(bucket_arn, INPUTS)),
        Statement("Detached", ["s3:GetObject"], folders(bucket_arn, DETACHED)),
        Statement("Queue", ["sqs:SendMessage"], [runs_queue_arn]),
    ]


def control(
    settings: Settings,
    bucket_arn: pulumi.Input[str],
    deploys_arn: pulumi.Input[str],
    runs_queues: Sequence[pulumi.Input[str]],
) -> list[Statement]:
    """Write the registry, accept uploads, keep bundles, queue deploys, read models' logs, keep secrets.

    Of runs: show, cancel and repeat them, read their results, and deliver webhooks again (`runs_queues`).
    """
    secrets = arn(settings, "secretsmanager", f"secret:modelcote/{settings.stack}/*")
    logs = arn(settings, "logs", f"log-group:{log_group(settings.stack)}_*")
    return [
        Statement("Registry", [*READ_TABLE, *WRITE_TABLE], [registry_arn(settings)]),
        Statement("Objects", WRITE_OBJECTS, folders(bucket_arn, UPLOADS, BUNDLES)),
        # Without it S3 answers 403, not 404, for an upload that is missing.
        Statement("Missing", ["s3:ListBucket", "s3:ListBucketVersions"], [bucket_arn]),
        Statement("Deploys", ["sqs:SendMessage"], [deploys_arn]),
        Statement("Logs", ["logs:FilterLogEvents"], [logs, f"{logs}:*"]),
        Statement("Secrets", _KEEP_SECRETS, [secrets]),
        Statement("ListSecrets", ["secretsmanager:ListSecrets"], ["*"]),
        Statement("Runs", [*READ_TABLE, *RUN_ROWS[1:]], [runs_arn(settings)]),
        Statement("Inputs", ["s3:PutObject"], folders(bucket_arn, INPUTS)),
        Statement("Results", ["s3:GetObject"], folders(bucket_arn, RESULTS, DETACHED)),
        Statement("Queues", ["sqs:SendMessage"], runs_queues),
        Statement("Cancel", ["states:StopExecution"], [machine_executions(settings)]),
        Statement("WebhookSecrets", [*_KEEP_SECRETS, *_ROTATE_SECRETS], [webhook_secrets(settings)]),
    ]
