"""Signing secrets, and each model's own webhook, which its runs use unless they name another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modelcote.control.auth import Admin, Deployer, ServicesDep
from modelcote.control.body import Json, Strict
from modelcote.control.services import Services
from modelcote.core.errors import ModelcoteError, NotFound
from modelcote.core.times import instant
from modelcote.registry import models
from modelcote.webhooks.credentials import auth_to_dict, parse_auth
from modelcote.webhooks.guard import check_url
from modelcote.webhooks.submitted import allowed

router = APIRouter(prefix="/v1/projects/{project}", tags=["webhooks"])


class SigningSecretView(BaseModel):
    """Whether a secret exists; until when the previous one signs too (null: it does not)."""

    exists: bool
    previous_until: str | None


class SigningSecret(BaseModel):
    secret: str = Field(description="`whsec_` and base64; shown this once")


class PutWebhook(Strict):
    """The URL of the model's webhooks, and the credentials that its receiver requires besides the signature."""

    url: str
    auth: dict[str, Any] | None = Field(
        None,
        description='`{"kind": "basic", "username", "password"}` or `{"kind": "mtls", "cert", "key"}` (PEM); '
        "without it, earlier credentials are deleted",
    )


class WebhookView(BaseModel):
    """`auth` is the kind of the credentials: `basic`, `mtls` or null."""

    url: str
    auth: str | None


@router.get("/webhooks/secret")
def get_secret(project: Admin, services: ServicesDep) -> SigningSecretView:
    """Return whether the project has a signing secret; never the secret."""
    return _described(services, project)


@router.post("/webhooks/secret/rotate")
def rotate_secret(project: Admin, services: ServicesDep) -> SigningSecret:
    """Create the project's signing secret, or the next one; the previous one signs too for 24 hours."""
    return SigningSecret(secret=services.webhook_secrets.rotate(project))


@router.get("/models/{model}/webhooks/secret")
def get_model_secret(project: Admin, services: ServicesDep, model: str) -> SigningSecretView:
    """Return whether the model has its own signing secret; without one the project's signs."""
    models.get(services.registry, project, model)
    return _described(services, project, model)


@router.post("/models/{model}/webhooks/secret/rotate")
def rotate_model_secret(project: Admin, services: ServicesDep, model: str) -> SigningSecret:
    """Create the model's own signing secret, or the next one."""
    models.get(services.registry, project, model)
    return SigningSecret(secret=services.webhook_secrets.rotate(project, model))


@router.delete("/models/{model}/webhooks/secret", status_code=204)
def delete_model_secret(project: Admin, services: ServicesDep, model: str) -> None:
    """Delete the model's own secret: its webhooks are signed with the project's again."""
    models.get(services.registry, project, model)
    services.webhook_secrets.remove(project, model)


@router.get("/models/{model}/webhook")
def get_webhook(project: Deployer, services: ServicesDep, model: str) -> WebhookView:
    """Return the model's own webhook."""
    row = models.get(services.registry, project, model)
    if not row.webhook_url:
        raise NotFound("the model has no webhook of its own.", "Set one with `cote webhooks set`.")
    return WebhookView(url=row.webhook_url, auth=row.webhook_auth or None)


@router.put("/models/{model}/webhook")
def put_webhook(project: Deployer, services: ServicesDep, model: str, body: Json[PutWebhook]) -> WebhookView:
    """Set the model's own webhook, for the runs that are accepted from now on."""
    target = check_url(body.url, allowed(services.runs.policy), "url")
    auth = None if body.auth is None else parse_auth(body.auth, datetime.now(UTC), "auth")
    if auth is None:
        models.set_webhook(services.registry, project, model, target.url)
        services.webhook_secrets.remove_auth(project, model)
        return WebhookView(url=target.url, auth=None)
    kind = auth_to_dict(auth)["kind"]
    models.get(services.registry, project, model)
    # The row names the credentials only once they are stored.
    services.webhook_secrets.put_auth(project, model, auth, target.url)
    try:
        models.set_webhook(services.registry, project, model, target.url, kind)
    except ModelcoteError:
        services.webhook_secrets.remove_auth(project, model)  # The model is being deleted.
        raise
    return WebhookView(url=target.url, auth=kind)


@router.delete("/models/{model}/webhook", status_code=204)
def delete_webhook(project: Deployer, services: ServicesDep, model: str) -> None:
    """Delete the model's own webhook and its credentials."""
    models.set_webhook(services.registry, project, model, "")
    services.webhook_secrets.remove_auth(project, model)


def _described(services: Services, project: str, model: str = "") -> SigningSecretView:
    secret = services.webhook_secrets.described(project, model)
    until = secret["previous_until_s"] if secret else None
    return SigningSecretView(exists=secret is not None, previous_until=instant(until) if until else None)
