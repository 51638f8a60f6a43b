"""What runs code: a log group of its own, and a role whose rights are one policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.iam import Statement, document, trust
from infra.naming import child_of, tags


@dataclass(frozen=True)
class LoggedRole:
    """The log group, the role and its policy: what uses the role should wait for `log` and `policy`."""

    log: aws.cloudwatch.LogGroup
    role: aws.iam.Role
    policy: aws.iam.RolePolicy


def make_log_group(
    parent: pulumi.Resource,
    name: str,
    settings: Settings,
    *,
    group: str,
    key_arn: pulumi.Input[str],
    own_tags: Mapping[str, str] | None = None,
) -> aws.cloudwatch.LogGroup:
    """Make an encrypted log group with the stack's retention; `group` is its physical name."""
    return aws.cloudwatch.LogGroup(
        f"{name}-log",
        name=group,
        kms_key_id=key_arn,
        retention_in_days=settings.log_retention_days,
        tags=tags(settings, **(own_tags or {})),
        opts=child_of(parent),
    )


def logged_role(
    parent: pulumi.Resource,
    name: str,
    settings: Settings,
    *,
    service: str,
    group: str,
    key_arn: pulumi.Input[str],
    access: Sequence[Statement],
    path: str = "",
    boundary_arn: pulumi.Input[str] | None = None,
    own_tags: Mapping[str, str] | None = None,
) -> LoggedRole:
    """Make a role that `service` may assume, with `access`, and the log group `group`, as children of `parent`.

    `path` follows the stack's own in the role's path; `boundary_arn` is its permissions boundary.
    """
    log = make_log_group(parent, name, settings, group=group, key_arn=key_arn, own_tags=own_tags)
    role = aws.iam.Role(
        f"{name}-role",
        path=f"/modelcote/{settings.stack}/{path}",
        assume_role_policy=trust(settings, f"{service}.amazonaws.com"),
        permissions_boundary=boundary_arn,
        tags=tags(settings, **(own_tags or {})),
        opts=child_of(parent),
    )
    policy = aws.iam.RolePolicy(f"{name}-access", role=role.name, policy=document(*access), opts=child_of(parent))
    return LoggedRole(log, role, policy)
