"""The one place where tags, child options and ARNs are made; `modelcote.core.names.fit` truncates."""

from __future__ import annotations

import pulumi

from infra.config import Settings

# The runs table's index of rows that somebody must look at, by when.
DUE_INDEX = "due"
# The short name of the state machine of runs that last longer than a queue's worker may.
LONG_RUN = "long-run"


def tags(settings: Settings, **extra: str) -> dict[str, str]:
    """The tags of every resource that takes them: the stack's own, the caller's, and `extra`."""
    return {**settings.tags, "modelcote:stack": settings.stack, "modelcote:managed-by": "pulumi", **extra}


def below(parent: pulumi.Resource, *depends_on: pulumi.Resource, **options: bool) -> pulumi.ResourceOptions:
    """Options of a child: its parent, what it waits for, and flags such as `protect` by name."""
    merged = pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on))
    for name, value in options.items():
        setattr(merged, name, value)
    return merged


def arn(settings: Settings, service: str, resource: str) -> str:
    """The ARN of a resource whose name is known before it exists."""
    return f"arn:aws:{service}:{settings.region}:{settings.account}:{resource}"


def log_group(function_name: str) -> str:
    """Where Lambda writes a function's log."""
    return f"/aws/lambda/{function_name}"


def platform_name(settings: Settings, name: str) -> str:
    """The physical name of one of the platform's own resources that callers address."""
    return f"modelcote-{settings.stack}-{name}"
