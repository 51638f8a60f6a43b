"""The store that the registry's functions work on: one table, one bucket, one queue of deploys."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelcote.aws.clients import Clients, make_clients
from modelcote.aws.table import Table

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient


@dataclass(frozen=True)
class Registry:
    """The table of projects, models, versions, deploys and keys; the bucket of bundles; the deploy queue's URL."""

    table: Table
    s3: S3Client
    sqs: SQSClient
    bucket: str
    queue_url: str


def open_registry(table_name: str, bucket: str, queue_url: str = "", clients: Clients | None = None) -> Registry:
    """Return the registry on these resources; without a queue it can be read, not deployed to."""
    clients = clients or make_clients()
    return Registry(Table(clients.dynamodb, table_name), clients.s3, clients.sqs, bucket, queue_url)


def registry_from_env() -> Registry:
    """Return the registry that the function's environment names."""
    return open_registry(
        os.environ["MODELCOTE_REGISTRY_TABLE"],
        os.environ["MODELCOTE_BUCKET"],
        os.environ.get("MODELCOTE_DEPLOY_QUEUE_URL", ""),
    )
