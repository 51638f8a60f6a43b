"""The stack's one customer key: tables, bucket, queues, logs, topics and functions' environments are under it."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.iam import Statement, document, from_account
from infra.naming import arn, child_of, platform_name, tags

# Administering the key; its use is granted through IAM.
_ADMINISTER = (
    "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:CreateGrant", "kms:Decrypt", "kms:DeleteAlias", "kms:DescribeKey",
    "kms:DisableKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:DisableKeyRotation", "kms:Encrypt",
    "kms:GenerateDataKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies",
    "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:RetireGrant",
    "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)  # fmt: skip
_USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")


class Keys(pulumi.ComponentResource):
    """`arn`: the key's ARN."""

    def __init__(self, parent: pulumi.Resource, name: str, settings: Settings) -> None:
        super().__init__("modelcote:platform:Keys", name, None, child_of(parent))
        key = aws.kms.Key(
            f"{name}-main",
            description=f"modelcote {settings.stack}: tables, bucket, queues, logs and environments",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=_policy(settings),
            tags=tags(settings),
            opts=child_of(self, keep=True),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{platform_name(settings, 'main')}",
            target_key_id=key.key_id,
            opts=child_of(self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": key.arn})


def _policy(settings: Settings) -> pulumi.Output[str]:
    """In a key's policy the resource `*` is the key itself."""
    account = Statement(
        "Account",
        _ADMINISTER,
        ["*"],
        principal={"AWS": f"arn:aws:iam::{settings.account}:root"},
    )
    logs = Statement(
        "Logs",
        _USE,
        ["*"],
        principal={"Service": f"logs.{settings.region}.amazonaws.com"},
        condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn(settings, "logs", "log-group:/aws/*")}},
    )
    alarms = Statement(
        "Alarms",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        ["*"],
        principal={"Service": "cloudwatch.amazonaws.com"},
        condition=from_account(settings),
    )
    # S3 sends messages to an encrypted queue only if the key's policy lets S3 use it.
    arrivals = Statement(
        "Arrivals",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        ["*"],
        principal={"Service": "s3.amazonaws.com"},
        condition=from_account(settings),
    )
    return document(account, logs, alarms, arrivals)
