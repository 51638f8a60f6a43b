"""The most that any model's role may have; the deployer may create roles only under it."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.access import models as access
from infra.config import Settings
from infra.iam import document
from infra.naming import child_of, platform_name, tags


class Boundary(pulumi.ComponentResource):
    """`arn`: the policy's ARN."""

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        settings: Settings,
        key_arn: pulumi.Input[str],
        bucket: pulumi.Input[str],
    ) -> None:
        super().__init__("modelcote:platform:Boundary", name, None, child_of(parent))
        policy = aws.iam.Policy(
            f"{name}-policy",
            name=platform_name(settings, "boundary"),
            path=f"/modelcote/{settings.stack}/",
            description="The most that a model's role may have",
            policy=document(*access.model(settings, key_arn, bucket)),
            tags=tags(settings),
            opts=child_of(self),
        )
        self.arn = policy.arn
        self.register_outputs({"arn": policy.arn})
