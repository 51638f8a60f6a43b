"""Views of API keys, JWT issuers and secrets."""

from __future__ import annotations

from pydantic import Field

from modelcote.control.views.view import View


class KeyView(View):
    """An API key, without its secret. Null times: never."""

    key_id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class CreatedKey(KeyView):
    key: str = Field(description="the key itself; shown this once")


class KeyList(View):
    keys: list[KeyView]


class IssuerView(View):
    issuer_id: str
    issuer: str
    audience: str
    algorithm: str
    scopes: list[str]
    created_at: str


class IssuerList(View):
    issuers: list[IssuerView]


class SecretView(View):
    """A secret's key; its value is never returned."""

    key: str
    updated_at: str


class SecretList(View):
    secrets: list[SecretView]
