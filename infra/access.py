"""Who may do what: the statements of every role but those that handle runs (`run_access.py`), in one place to read."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from infra.config import Settings
from infra.iam import Statement, tracing
from infra.naming import LONG_RUN, arn, log_group, platform_name

_READ_TABLE = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
_WRITE_TABLE = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem")
# A run's rows are never deleted: they expire.
RUN_ROWS = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem")


def registry_arn(settings: Settings) -> str:
    return arn(settings, "dynamodb", f"table/{platform_name(settings, 'registry')}")


def model_functions(settings: Settings) -> str:
    """The functions of this stack's models, with their versions and aliases."""
    return arn(settings, "lambda", f"function:{settings.stack}_*")


def model_roles(settings: Settings) -> str:
    return f"arn:aws:iam::{settings.account}:role/modelcote/{settings.stack}/models/*"


def runs_arn(settings: Settings) -> str:
    return arn(settings, "dynamodb", f"table/{platform_name(settings, 'runs')}")


def machine_executions(settings: Settings) -> str:
    """The executions of the state machine of long runs."""
    return arn(settings, "states", f"execution:{platform_name(settings, LONG_RUN)}:*")


def webhook_secrets(settings: Settings) -> str:
    """What webhooks are signed with: outside of `modelcote/<stack>/`, which models may read."""
    return arn(settings, "secretsmanager", f"secret:modelcote-webhooks/{settings.stack}/*")


def boundary_arn(settings: Settings) -> str:
    """The policy that bounds the models' roles."""
    return f"arn:aws:iam::{settings.account}:policy/modelcote/{settings.stack}/{platform_name(settings, 'boundary')}"


def gateway(settings: Settings, bucket_arn: pulumi.Input[str], runs_queue_arn: pulumi.Input[str]) -> list[Statement]:
    """Reads keys and models, calls the models' functions, accepts runs."""
    return [
        Statement("Registry", _READ_TABLE, [registry_arn(settings)]),
        Statement("Models", ["lambda:InvokeFunction"], [model_functions(settings)]),
        Statement("Runs", RUN_ROWS, [runs_arn(settings)]),
        Statement("Inputs", ["s3:GetObject", "s3:PutObject"], folders(bucket_arn, "inputs")),
        Statement("Detached", ["s3:GetObject"], folders(bucket_arn, "detached")),
        Statement("Queue", ["sqs:SendMessage"], [runs_queue_arn]),
    ]


def folders(bucket_arn: pulumi.Input[str], *names: str) -> list[pulumi.Output[str]]:
    """The objects of these folders of the artifact bucket."""
    return [pulumi.Output.concat(bucket_arn, f"/{name}/*") for name in names]


def control(
    settings: Settings,
    bucket_arn: pulumi.Input[str],
    deploys_arn: pulumi.Input[str],
    runs_queues: Sequence[pulumi.Input[str]],
) -> list[Statement]:
    """Writes the registry, takes uploads, keeps bundles, queues deploys, reads models' logs, keeps secrets.

    Of runs: shows, cancels and repeats them, reads their results, and has webhooks delivered again (`runs_queues`).
    """
    secrets = arn(settings, "secretsmanager", f"secret:modelcote/{settings.stack}/*")
    logs = arn(settings, "logs", f"log-group:{log_group(settings.stack)}_*")
    return [
        Statement("Registry", [*_READ_TABLE, *_WRITE_TABLE], [registry_arn(settings)]),
        Statement(
            "Objects",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
            folders(bucket_arn, "uploads", "bundles"),
        ),
        # Without it S3 answers 403, not 404, for an upload that has not come.
        Statement("Missing", ["s3:ListBucket", "s3:ListBucketVersions"], [bucket_arn]),
        Statement("Deploys", ["sqs:SendMessage"], [deploys_arn]),
        Statement("Logs", ["logs:FilterLogEvents"], [logs, f"{logs}:*"]),
        Statement("Secrets", _SECRET_ACTIONS, [secrets]),
        Statement("ListSecrets", ["secretsmanager:ListSecrets"], ["*"]),
        Statement("Runs", [*_READ_TABLE, *RUN_ROWS[1:]], [runs_arn(settings)]),
        Statement("Inputs", ["s3:PutObject"], folders(bucket_arn, "inputs")),
        Statement("Results", ["s3:GetObject"], folders(bucket_arn, "results", "detached")),
        Statement("Queues", ["sqs:SendMessage"], runs_queues),
        Statement("Cancel", ["states:StopExecution"], [machine_executions(settings)]),
        Statement(
            "WebhookSecrets",
            # To rotate one it reads the version that is in use, and moves the labels.
            [*_SECRET_ACTIONS, "secretsmanager:GetSecretValue", "secretsmanager:UpdateSecretVersionStage"],
            [webhook_secrets(settings)],
        ),
    ]


def model(
    settings: Settings,
    key_arn: pulumi.Input[str],
    bucket: pulumi.Input[str],
    *,
    function: str = "*",
    project: str = "*",
    name: str = "*",
) -> list[Statement]:
    """One model: writes its own log and its own results, reads its own bundles, its inputs and its project's secrets.

    Without names it is the most that any model's role may have, which is the models' permissions boundary.
    """
    owned = "*" if project == "*" else f"{project}/{name}/*"
    group = f"{settings.stack}_*" if function == "*" else function
    secrets = f"secret:modelcote/{settings.stack}/" + ("*" if project == "*" else f"{project}/*")

    def own(*names: str) -> list[pulumi.Output[str]]:
        return [pulumi.Output.concat("arn:aws:s3:::", bucket, f"/{name}/{owned}") for name in names]

    return [
        Statement(
            "Log",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [arn(settings, "logs", f"log-group:{log_group(group)}:*")],
        ),
        Statement("Bundles", ["s3:GetObject"], own("bundles")),
        Statement("Inputs", ["s3:GetObject"], own("inputs")),
        # A result says by its tag how long it is kept.
        Statement("Results", ["s3:PutObject", "s3:PutObjectTagging"], own("results", "detached")),
        Statement("Secrets", ["secretsmanager:GetSecretValue"], [arn(settings, "secretsmanager", secrets)]),
        Statement("Key", ["kms:Decrypt", "kms:GenerateDataKey"], [key_arn]),
        tracing(),
    ]


def trigger(settings: Settings, project_arn: str, stream_arn: pulumi.Input[str]) -> list[Statement]:
    """Reads the registry's stream, starts the deployer."""
    return [
        Statement(
            "Stream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            [stream_arn],
        ),
        Statement("Streams", ["dynamodb:ListStreams"], [f"{registry_arn(settings)}/stream/*"]),
        Statement("Build", ["codebuild:StartBuild", "codebuild:ListBuildsForProject"], [project_arn]),
    ]


def deployer(
    settings: Settings,
    key_arn: pulumi.Input[str],
    bucket_arn: pulumi.Input[str],
    queue_arn: pulumi.Input[str],
) -> list[Statement]:
    """Works off deploys: objects, registry and queue, and the models' own resources; the platform is out of reach."""
    roles = [model_roles(settings)]
    state = f"arn:aws:s3:::{settings.builder.backend_url.removeprefix('s3://')}" if settings.builder else ""
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn(settings)}}
    groups = arn(settings, "logs", f"log-group:{log_group(settings.stack)}_*")
    layers = arn(settings, "lambda", f"layer:{platform_name(settings, '*')}")
    return [
        Statement("Registry", [*_READ_TABLE, *_WRITE_TABLE], [registry_arn(settings)]),
        Statement(
            "Objects",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
            [pulumi.Output.concat(bucket_arn, "/*"), f"{state}/*"],
        ),
        Statement("List", ["s3:ListBucket"], [bucket_arn, state]),
        Statement("Queue", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"], [queue_arn]),
        Statement("Key", ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:DescribeKey"], [key_arn]),
        Statement(
            "KeyForFunctions",
            ["kms:CreateGrant"],
            [key_arn],
            condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        Statement("Functions", _FUNCTION_ACTIONS, [model_functions(settings)]),
        Statement("Layers", _LAYER_ACTIONS, [layers, f"{layers}:*"]),
        Statement("Groups", _GROUP_ACTIONS, [groups, f"{groups}:*"]),
        Statement("FindGroups", ["logs:DescribeLogGroups"], [arn(settings, "logs", "log-group:*")]),
        # A role that it makes can never hold more than the boundary.
        Statement("MakeRoles", ["iam:CreateRole", "iam:PutRolePolicy"], roles, condition=bounded),
        Statement("Roles", _ROLE_ACTIONS, roles),
        Statement(
            "PassRoles",
            ["iam:PassRole"],
            roles,
            condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        ),
    ]


_SECRET_ACTIONS = tuple(
    f"secretsmanager:{action}"
    for action in (
        "CreateSecret", "PutSecretValue", "DescribeSecret", "DeleteSecret", "RestoreSecret", "TagResource",
    )
)  # fmt: skip
_FUNCTION_ACTIONS = tuple(
    f"lambda:{action}"
    for action in (
        "CreateFunction", "DeleteFunction", "GetFunction", "GetFunctionConfiguration", "GetFunctionCodeSigningConfig",
        "UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion", "ListVersionsByFunction",
        "CreateAlias", "GetAlias", "UpdateAlias", "DeleteAlias", "PutFunctionConcurrency", "GetFunctionConcurrency",
        "DeleteFunctionConcurrency", "PutProvisionedConcurrencyConfig", "GetProvisionedConcurrencyConfig",
        "DeleteProvisionedConcurrencyConfig", "TagResource", "UntagResource", "ListTags",
    )
)  # fmt: skip
_LAYER_ACTIONS = ("lambda:PublishLayerVersion", "lambda:GetLayerVersion", "lambda:DeleteLayerVersion")
_GROUP_ACTIONS = tuple(
    f"logs:{action}"
    for action in (
        "CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "AssociateKmsKey", "TagResource",
        "UntagResource", "ListTagsForResource",
    )
)  # fmt: skip
_ROLE_ACTIONS = tuple(
    f"iam:{action}"
    for action in (
        "GetRole", "DeleteRole", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies",
        "ListAttachedRolePolicies", "ListInstanceProfilesForRole", "TagRole", "UntagRole",
    )
)  # fmt: skip
