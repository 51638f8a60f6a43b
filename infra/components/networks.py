"""A network for one function: its own security group, and its role's rights to be there."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.access.runs import in_network
from infra.config import Settings, WebhookNetwork
from infra.iam import document
from infra.naming import child_of, tags

_HTTPS = 443
# Lambda deletes its network interfaces up to 45 minutes later, and they use the group until then.
_RELEASED = "45m"


class Network(pulumi.ComponentResource):
    """`vpc_config`: the function's. `function`: its physical name; `role`: the name of its role."""

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        settings: Settings,
        network: WebhookNetwork,
        *,
        function: str,
        role: pulumi.Input[str],
    ) -> None:
        super().__init__("modelcote:platform:Network", name, None, child_of(parent))
        # Apart from the role's other rights: Lambda deletes the interfaces with these, so they must outlast the
        # group, whose deletion waits for that.
        policy = aws.iam.RolePolicy(
            f"{name}-access",
            role=role,
            policy=document(*in_network(settings, function)),
            opts=child_of(self),
        )
        group_opts = child_of(self, policy)
        group_opts.custom_timeouts = pulumi.CustomTimeouts(delete=_RELEASED)
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            description=f"HTTPS out of {function}, and nothing in",
            vpc_id=network.vpc_id,
            # Empty and not omitted: the provider then removes rules that are added by hand.
            ingress=[],
            # Nothing for DNS: queries to the VPC's own resolver are not subject to security groups. IPv6 is used only
            # by a function that may, and then it is restricted as well.
            egress=[
                aws.ec2.SecurityGroupEgressArgs(
                    description="HTTPS",
                    protocol="tcp",
                    from_port=_HTTPS,
                    to_port=_HTTPS,
                    cidr_blocks=["0.0.0.0/0"],
                    ipv6_cidr_blocks=["::/0"],
                )
            ],
            tags=tags(settings),
            opts=group_opts,
        )
        self.vpc_config = aws.lambda_.FunctionVpcConfigArgs(
            subnet_ids=list(network.subnet_ids), security_group_ids=[group.id]
        )
        self.register_outputs({"group": group.id})
