"""The ARNs and the sets of actions that several roles share."""

from __future__ import annotations

import pulumi

from infra.config import Settings
from infra.naming import LONG_RUN, arn, platform_name

READ_TABLE = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
WRITE_TABLE = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem")
# A run's rows are never deleted: they expire.
RUN_ROWS = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem")
WRITE_OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion")


def registry_arn(settings: Settings) -> str:
    """Return the ARN of the registry table."""
    return arn(settings, "dynamodb", f"table/{platform_name(settings, 'registry')}")


def runs_arn(settings: Settings) -> str:
    """Return the ARN of the runs table."""
    return arn(settings, "dynamodb", f"table/{platform_name(settings, 'runs')}")


def model_functions(settings: Settings) -> str:
    """Match the functions of this stack's models, with their versions and aliases."""
    return arn(settings, "lambda", f"function:{settings.stack}_*")


def machine_executions(settings: Settings) -> str:
    """Match the executions of the state machine of long runs."""
    return arn(settings, "states", f"execution:{platform_name(settings, LONG_RUN)}:*")


def webhook_secrets(settings: Settings) -> str:
    """Match the keys that webhooks are signed with: outside `modelcote/<stack>/`, which models may read."""
    return arn(settings, "secretsmanager", f"secret:modelcote-webhooks/{settings.stack}/*")


def folders(bucket_arn: pulumi.Input[str], *names: str) -> list[pulumi.Output[str]]:
    """Match the objects of these folders of the artifact bucket."""
    return [pulumi.Output.concat(bucket_arn, f"/{name}/*") for name in names]


def actions(service: str, *names: str) -> tuple[str, ...]:
    """Return the actions of one service, each as `service:Name`."""
    return tuple(f"{service}:{name}" for name in names)
