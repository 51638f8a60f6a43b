"""The boto3 clients of the registry. boto3 reads their endpoint from `AWS_ENDPOINT_URL`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

_REGION = "us-east-1"  # Only where neither AWS_REGION nor AWS_DEFAULT_REGION is set.


def client_config(attempts: int = 3, **options: Any) -> Config:
    """Return a short connect time and few attempts: a control plane should answer, not hang."""
    return Config(
        connect_timeout=3,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        **options,
    )


def make_session() -> boto3.Session:
    """Return a session with a region, which presigned URLs need."""
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION)


@dataclass(frozen=True)
class Clients:
    """The services that the registry uses."""

    dynamodb: DynamoDBClient
    s3: S3Client
    sqs: SQSClient


def make_clients(session: boto3.Session | None = None, attempts: int = 3) -> Clients:
    """Return the clients; each call is tried `attempts` times.

    On an emulator buckets are addressed by path, since its host has no subdomains.
    """
    session = session or make_session()
    emulated = bool(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))
    s3_config = client_config(
        attempts, signature_version="s3v4", s3={"addressing_style": "path" if emulated else "virtual"}
    )
    return Clients(
        session.client("dynamodb", config=client_config(attempts)),
        session.client("s3", config=s3_config),
        session.client("sqs", config=client_config(attempts)),
    )
