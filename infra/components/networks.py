"""A network for one function: its own security group, and its role's rights to be there."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings, WebhookNetwork
from infra.iam import document
from infra.naming import below, tags
from infra.run_access import in_network

_HTTPS = 443
# Lambda gives its network interfaces back when it likes, up to 45 minutes later, and they hold the group until then.
_GIVEN_BACK = "45m"


@dataclass(frozen=True)
class NetworkArgs:
    """`function`: the physical name of the function; `role`: the name of its role."""

    settings: Settings
    network: WebhookNetwork
    function: str
    role: pulumi.Input[str]


class Network(pulumi.ComponentResource):
    """`vpc_config`: what the function is given."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Network", name, None, opts)
        # Apart from the role's other rights: Lambda takes the interfaces away with these, so that they must outlast
        # the group, which waits for that.
        access = aws.iam.RolePolicy(
            f"{name}-access",
            role=args.role,
            policy=document(*in_network(args.settings, args.function)),
            opts=below(self),
        )
        group_opts = below(self, access)
        group_opts.custom_timeouts = pulumi.CustomTimeouts(delete=_GIVEN_BACK)
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            description=f"HTTPS out of {args.function}, and nothing in",
            vpc_id=args.network.vpc_id,
            # Empty and not left out: the provider then takes away what somebody adds by hand.
            ingress=[],
            # Nothing for DNS: what goes to the VPC's own resolver is not subject to security groups. IPv6 is used
            # only by a function that is let, and then it is bound as well.
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
            tags=tags(args.settings),
            opts=group_opts,
        )
        self.vpc_config = aws.lambda_.FunctionVpcConfigArgs(
            subnet_ids=list(args.network.subnet_ids), security_group_ids=[group.id]
        )
        self.register_outputs({"group": group.id})
