"""The two tables: `registry` (projects, keys, models, versions, deploys) and `runs` (expires by itself)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.naming import below, platform_name, tags


@dataclass(frozen=True)
class TablesArgs:
    """`stream`: whether changes of the registry's keys are streamed, which the deployer's trigger needs."""

    settings: Settings
    key_arn: pulumi.Input[str]
    stream: bool


class Tables(pulumi.ComponentResource):
    """`registry` and `runs`: the table resources."""

    def __init__(self, name: str, args: TablesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Tables", name, None, opts)
        self.registry = self._table(f"{name}-registry", "registry", args, stream=args.stream)
        self.runs = self._table(f"{name}-runs", "runs", args, expires="expires_at_s")
        self.register_outputs({"registry": self.registry.name, "runs": self.runs.name})

    def _table(
        self, name: str, physical: str, args: TablesArgs, *, stream: bool = False, expires: str = ""
    ) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            name,
            name=platform_name(args.settings, physical),
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name="pk", type="S"),
                aws.dynamodb.TableAttributeArgs(name="sk", type="S"),
            ],
            ttl=aws.dynamodb.TableTtlArgs(attribute_name=expires, enabled=True) if expires else None,
            stream_enabled=True if stream else None,
            stream_view_type="KEYS_ONLY" if stream else None,
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=args.key_arn),
            deletion_protection_enabled=True,
            tags=tags(args.settings),
            opts=below(self, protect=True, retain_on_delete=True),
        )
