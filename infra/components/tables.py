"""The two tables: `registry` (projects, keys, models, versions, deploys) and `runs` (expires by itself).

The index `due` of `runs` holds the rows that are due, by when.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.naming import DUE_INDEX, child_of, platform_name, tags

_KEYS = (("pk", "S"), ("sk", "S"))
_DUE_KEYS = (("due_pk", "S"), ("due_at_s", "N"))


class Tables(pulumi.ComponentResource):
    """`registry` and `runs`: the table resources.

    `stream`: whether changes of the registry's keys are streamed, which the deployer's trigger needs.
    """

    def __init__(
        self, parent: pulumi.Resource, name: str, settings: Settings, key_arn: pulumi.Input[str], *, stream: bool
    ) -> None:
        super().__init__("modelcote:platform:Tables", name, None, child_of(parent))
        self._settings, self._key_arn = settings, key_arn
        self.registry = self._table(f"{name}-registry", "registry", stream=stream)
        self.runs = self._table(f"{name}-runs", "runs", expires="expires_at_s", due=True)
        self.register_outputs({"registry": self.registry.name, "runs": self.runs.name})

    def _table(
        self,
        name: str,
        physical: str,
        *,
        stream: bool = False,
        expires: str = "",
        due: bool = False,
    ) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            name,
            name=platform_name(self._settings, physical),
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=key, type=kind)
                for key, kind in (*_KEYS, *(_DUE_KEYS if due else ()))
            ],
            global_secondary_indexes=[_due()] if due else None,
            ttl=aws.dynamodb.TableTtlArgs(attribute_name=expires, enabled=True) if expires else None,
            stream_enabled=True if stream else None,
            stream_view_type="KEYS_ONLY" if stream else None,
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=self._key_arn),
            deletion_protection_enabled=True,
            tags=tags(self._settings),
            opts=child_of(self, keep=True),
        )


def _due() -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
    return aws.dynamodb.TableGlobalSecondaryIndexArgs(
        name=DUE_INDEX,
        projection_type="KEYS_ONLY",
        key_schemas=[
            aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=key, key_type=kind)
            for (key, _), kind in zip(_DUE_KEYS, ("HASH", "RANGE"), strict=True)
        ],
    )
