"""The deployer in the account, and the function that starts it."""

from __future__ import annotations

import pulumi

from infra.access.models import boundary_arn
from infra.access.resources import READ_TABLE, WRITE_OBJECTS, WRITE_TABLE, actions, model_functions, registry_arn
from infra.config import Settings
from infra.iam import Statement
from infra.naming import arn, log_group, platform_name

_FUNCTION_ACTIONS = actions(
    "lambda",
    "CreateFunction", "DeleteFunction", "GetFunction", "GetFunctionConfiguration", "GetFunctionCodeSigningConfig",
    "UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion", "ListVersionsByFunction",
    "CreateAlias", "GetAlias", "UpdateAlias", "DeleteAlias", "PutFunctionConcurrency", "GetFunctionConcurrency",
    "DeleteFunctionConcurrency", "PutProvisionedConcurrencyConfig", "GetProvisionedConcurrencyConfig",
    "DeleteProvisionedConcurrencyConfig", "TagResource", "UntagResource", "ListTags",
)  # fmt: skip
_LAYER_ACTIONS = actions("lambda", "PublishLayerVersion", "GetLayerVersion", "DeleteLayerVersion")
_GROUP_ACTIONS = actions(
    "logs",
    "CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "AssociateKmsKey", "TagResource", "UntagResource",
    "ListTagsForResource",
)  # fmt: skip
_ROLE_ACTIONS = actions(
    "iam",
    "GetRole", "DeleteRole", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole", "TagRole", "UntagRole",
)  # fmt: skip


def trigger(settings: Settings, project_arn: str, stream_arn: pulumi.Input[str]) -> list[Statement]:
    """Read the registry's stream, start the deployer."""
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
    """Process deploys: objects, registry and queue, and the models' own resources; the platform is out of reach."""
    roles = [f"arn:aws:iam::{settings.account}:role/modelcote/{settings.stack}/models/*"]
    state = f"arn:aws:s3:::{settings.builder.backend_url.removeprefix('s3://')}" if settings.builder else ""
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn(settings)}}
    groups = arn(settings, "logs", f"log-group:{log_group(settings.stack)}_*")
    layers = arn(settings, "lambda", f"layer:{platform_name(settings, '*')}")
    return [
        Statement("Registry", [*READ_TABLE, *WRITE_TABLE], [registry_arn(settings)]),
        Statement(
            "Objects",
            WRITE_OBJECTS,
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
        # A role that the deployer creates can never hold more than the boundary.
        Statement("MakeRoles", ["iam:CreateRole", "iam:PutRolePolicy"], roles, condition=bounded),
        Statement("Roles", _ROLE_ACTIONS, roles),
        Statement(
            "PassRoles",
            ["iam:PassRole"],
            roles,
            condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        ),
    ]
