"""Tags, names, ARNs and child options, made here only; `modelcote.core.names.fit` truncates."""

from __future__ import annotations

import pulumi

from infra.config import Settings

# The runs table's index of rows that are due, by when.
DUE_INDEX = "due"
# The short name of the state machine of runs that last longer than a queue's worker may.
LONG_RUN = "long-run"


def tags(settings: Settings, **extra: str) -> dict[str, str]:
    """Return the tags of a resource: the stack's own, the operator's, and `extra`."""
    return {**settings.tags, "modelcote:stack": settings.stack, "modelcote:managed-by": "pulumi", **extra}


def child_of(parent: pulumi.Resource, *depends_on: pulumi.Resource, keep: bool = False) -> pulumi.ResourceOptions:
    """Return a child's options: its parent and what it waits for. `keep`: protected, and kept on AWS when deleted."""
    flag = True if keep else None
    return pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on), protect=flag, retain_on_delete=flag)


def arn(settings: Settings, service: str, resource: str) -> str:
    """Return the ARN of a resource whose name is fixed before it exists."""
    return f"arn:aws:{service}:{settings.region}:{settings.account}:{resource}"


def log_group(function_name: str) -> str:
    """Return the log group that Lambda writes a function's log to."""
    return f"/aws/lambda/{function_name}"


def platform_name(settings: Settings, name: str) -> str:
    """Return the physical name of one of the platform's own resources."""
    return f"modelcote-{settings.stack}-{name}"
