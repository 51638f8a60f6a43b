"""What the routes work with, made once per process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from fastapi import Request

from modelcote.registry.clients import client_config, make_clients, make_session
from modelcote.registry.store import Registry

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient


@dataclass(frozen=True)
class Services:
    """The registry, CloudWatch Logs, Secrets Manager, and where callers find us (`public_url` without a slash)."""

    registry: Registry
    logs: CloudWatchLogsClient
    secrets: SecretsManagerClient
    stack: str
    public_url: str

    def predict_url(self, project: str, model: str) -> str:
        return f"{self.public_url}/v1/{project}/{model}/predict"


def services_from_env() -> Services:
    """The services that the function's environment names."""
    session = make_session()
    return Services(
        Registry(
            os.environ["MODELCOTE_REGISTRY_TABLE"],
            os.environ["MODELCOTE_BUCKET"],
            os.environ["MODELCOTE_DEPLOY_QUEUE_URL"],
            make_clients(session),
        ),
        session.client("logs", config=client_config()),
        session.client("secretsmanager", config=client_config()),
        os.environ["MODELCOTE_STACK"],
        os.environ["MODELCOTE_PUBLIC_URL"].rstrip("/"),
    )


def services(request: Request) -> Services:
    """The services of the app that serves this request: a dependency of the routes."""
    return cast(Services, request.app.state.services)
