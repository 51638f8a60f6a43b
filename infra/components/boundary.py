"""The most that any model's role may have; the deployer may create roles only under it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.access import models as access
from infra.config import Settings
from infra.iam import document
from infra.naming import child_of, platform_name, tags


@dataclass(frozen=True)
class BoundaryArgs:
    settings: Settings
    key_arn: pulumi.Input[str]
    bucket: pulumi.Input[str]


class Boundary(pulumi.ComponentResource):
    """`arn`: the policy's ARN."""

    def __init__(self, name: str, args: BoundaryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Boundary", name, None, opts)
        policy = aws.iam.Policy(
            f"{name}-policy",
            name=platform_name(args.settings, "boundary"),
            path=f"/modelcote/{args.settings.stack}/",
            description="The most that a model's role may have",
            policy=document(*access.model(args.settings, args.key_arn, args.bucket)),
            tags=tags(args.settings),
            opts=child_of(self),
        )
        self.arn = policy.arn
        self.register_outputs({"arn": policy.arn})
