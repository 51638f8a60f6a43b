"""What signs webhooks, and where those of a model's runs go unless a run says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from modelcote.control.auth import Admin, Deployer, ServicesDep
from modelcote.control.body import JsonBody, Strict
from modelcote.control.services import Services
from modelcote.core.errors import ModelcoteError, NotFound
from modelcote.core.times import instant
from modelcote.registry import models
from modelcote.webhooks.credentials import auth_to_dict, parse_auth
from modelcote.webhooks.guard import check_url
from modelcote.webhooks.submitted import allowed

router = APIRouter(prefix="/v1/projects/{project}", tags=["webhooks"])


class SigningSecretView(BaseModel):
    """Whether there is a secret; until when the one before it signs too (null: it does not)."""

    exists: bool
    previous_until: str | None


class SigningSecret(BaseModel):
    secret: str = Field(description="`whsec_` and base64; shown this once")


class PutWebhook(Strict):
    """Where the model's webhooks go, and what the receiver asks for besides the signature."""

    url: str
    auth: dict[str, Any] | None = Field(
        None,
        description='`{"kind": "basic", "username", "password"}` or `{"kind": "mtls", "cert", "key"}` (PEM); '
        "without it, those that were given before are dropped",
    )


class WebhookView(BaseModel):
    """`auth` is the kind of the credentials: `basic`, `mtls` or null."""

    url: str
    auth: str | None


@router.get("/webhooks/secret")
def get_secret(project: Admin, services: ServicesDep) -> SigningSecretView:
    """Whether the project has a signing secret; never the secret."""
    return _described(services, project)


@router.post("/webhooks/secret/rotate")
def rotate_secret(project: Admin, services: ServicesDep) -> SigningSecret:
    """A new signing secret, the first or the next; the one before it signs too for 24 hours."""
    return SigningSecret(secret=services.webhook_secrets.rotate(project))


@router.get("/models/{model}/webhooks/secret")
def get_model_secret(project: Admin, services: ServicesDep, model: str) -> SigningSecretView:
    """Whether the model has a signing secret of its own; without one the project's signs."""
    models.get(services.registry, project, model)
    return _described(services, project, model)


@router.post("/models/{model}/webhooks/secret/rotate")
def rotate_model_secret(project: Admin, services: ServicesDep, model: str) -> SigningSecret:
    """A new signing secret of the model's own."""
    models.get(services.registry, project, model)
    return SigningSecret(secret=services.webhook_secrets.rotate(project, model))


@router.delete("/models/{model}/webhooks/secret", status_code=204)
def delete_model_secret(project: Admin, services: ServicesDep, model: str) -> None:
    """The model's webhooks are signed with the project's secret again."""
    models.get(services.registry, project, model)
    services.webhook_secrets.remove(project, model)


@router.get("/models/{model}/webhook")
def get_webhook(project: Deployer, services: ServicesDep, model: str) -> WebhookView:
    """The model's own webhook."""
    row = models.get(services.registry, project, model)
    if not row.webhook_url:
        raise NotFound("the model has no webhook of its own.", "Set one with `cote webhooks set`.")
    return WebhookView(url=row.webhook_url, auth=row.webhook_auth or None)


@router.put("/models/{model}/webhook")
def put_webhook(
    project: Deployer, services: ServicesDep, model: str, body: Annotated[PutWebhook, Depends(JsonBody(PutWebhook))]
) -> WebhookView:
    """Sets the model's own webhook, for the runs that are accepted from now on."""
    target = check_url(body.url, allowed(services.runs.policy), "url")
    auth = None if body.auth is None else parse_auth(body.auth, datetime.now(UTC), "auth")
    if auth is None:
        models.set_webhook(services.registry, project, model, target.url)
        services.webhook_secrets.remove_auth(project, model)
        return WebhookView(url=target.url, auth=None)
    kind = auth_to_dict(auth)["kind"]
    models.get(services.registry, project, model)
    # The row says that there are credentials once there are.
    services.webhook_secrets.put_auth(project, model, auth, target.url)
    try:
        models.set_webhook(services.registry, project, model, target.url, kind)
    except ModelcoteError:
        services.webhook_secrets.remove_auth(project, model)  # The model is going.
        raise
    return WebhookView(url=target.url, auth=kind)


@router.delete("/models/{model}/webhook", status_code=204)
def delete_webhook(project: Deployer, services: ServicesDep, model: str) -> None:
    """The model has no webhook of its own any more; its credentials are deleted."""
    models.set_webhook(services.registry, project, model, "")
    services.webhook_secrets.remove_auth(project, model)


def _described(services: Services, project: str, model: str = "") -> SigningSecretView:
    found = services.webhook_secrets.described(project, model)
    until = found["previous_until_s"] if found else None
    return SigningSecretView(exists=found is not None, previous_until=instant(until) if until else None)
