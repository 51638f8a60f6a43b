"""The services that the routes use, created once per process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from fastapi import Request

from modelcote.aws.clients import client_config, make_clients, make_session
from modelcote.registry.store import Registry, open_registry
from modelcote.runs.executions import StateMachine
from modelcote.runs.store import RunStore, make_store
from modelcote.webhooks.secrets import WebhookSecrets

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient


@dataclass(frozen=True)
class Services:
    """The registry, CloudWatch Logs, Secrets Manager, and the API's own URL, without a slash at its end.

    Of runs: their store, the state machine of the long ones, the secrets that sign their webhooks, and the key (`kms`,
    boto3's client, and `key_arn`) that seals a callback's credentials.
    """

    registry: Registry
    logs: CloudWatchLogsClient
    secrets: SecretsManagerClient
    stack: str
    public_url: str
    runs: RunStore
    executions: StateMachine
    webhook_secrets: WebhookSecrets
    kms: Any
    key_arn: str

    def predict_url(self, project: str, model: str) -> str:
        return f"{self.public_url}/v1/{project}/{model}/predict"


def services_from_env() -> Services:
    """Return the services that the function's environment names."""
    session = make_session()
    clients = make_clients(session)
    secrets = session.client("secretsmanager", config=client_config())
    stack, key_arn = os.environ["MODELCOTE_STACK"], os.environ["MODELCOTE_KEY_ARN"]
    runs = make_store(os.environ, clients.dynamodb, clients.s3, clients.sqs)
    return Services(
        registry=open_registry(
            os.environ["MODELCOTE_REGISTRY_TABLE"],
            os.environ["MODELCOTE_BUCKET"],
            os.environ["MODELCOTE_DEPLOY_QUEUE_URL"],
            clients,
        ),
        logs=session.client("logs", config=client_config()),
        secrets=secrets,
        stack=stack,
        public_url=os.environ["MODELCOTE_PUBLIC_URL"].rstrip("/"),
        runs=runs,
        executions=StateMachine(
            session.client("stepfunctions", config=client_config()), os.environ["MODELCOTE_STATE_MACHINE_ARN"]
        ),
        webhook_secrets=WebhookSecrets(secrets, stack, key_arn, runs.policy),
        kms=session.client("kms", config=client_config()),
        key_arn=key_arn,
    )


def services_of(request: Request) -> Services:
    """Return the services of the app that serves this request: a dependency of the routes."""
    return cast(Services, request.app.state.services)
