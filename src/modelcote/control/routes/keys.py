"""API keys and trusted JWT issuers."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from modelcote.control.auth import Admin, ServicesDep
from modelcote.control.body import Json, Strict
from modelcote.control.views.keys import CreatedKey, IssuerList, IssuerView, KeyList, KeyView
from modelcote.identity import issuers, keys

router = APIRouter(prefix="/v1/projects/{project}", tags=["keys"])


class CreateKey(Strict):
    """At most two active keys may share a name, so that one can replace the other."""

    name: str
    scopes: list[str] = Field(description="of predict, deploy and admin, which has all rights")
    expires_in_s: int | None = Field(None, description="seconds; null for never")


class PutIssuer(Strict):
    """A token is accepted if its `iss` and `aud` are these and the public key verifies it."""

    issuer: str
    audience: str
    public_key: str = Field(description="PEM: RSA of 2,048 bits or more (RS256), P-256 (ES256) or Ed25519 (EdDSA)")
    scopes: list[str]


@router.get("/keys")
def list_keys(project: Admin, services: ServicesDep) -> KeyList:
    """List the project's keys, also revoked and expired ones."""
    return KeyList(keys=[KeyView.from_row(row) for row in keys.all_of(services.registry.table, project)])


@router.post("/keys", status_code=201)
def create_key(project: Admin, services: ServicesDep, body: Json[CreateKey]) -> CreatedKey:
    """Create a key; only this answer holds its text."""
    row, text = keys.create(services.registry.table, project, body.name, body.scopes, body.expires_in_s)
    return CreatedKey.from_row(row, key=text)


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(project: Admin, services: ServicesDep, key_id: str) -> None:
    """Revoke a key. The gateway may accept it for up to five more seconds."""
    keys.revoke(services.registry.table, project, key_id)


@router.get("/jwt-issuers")
def list_issuers(project: Admin, services: ServicesDep) -> IssuerList:
    """List the project's issuers."""
    return IssuerList(issuers=[IssuerView.from_row(row) for row in issuers.all_of(services.registry.table, project)])


@router.put("/jwt-issuers")
def put_issuer(project: Admin, services: ServicesDep, body: Json[PutIssuer]) -> IssuerView:
    """Register an issuer and audience, or replace their key and scopes."""
    row = issuers.register(services.registry.table, project, body.issuer, body.audience, body.public_key, body.scopes)
    return IssuerView.from_row(row)


@router.delete("/jwt-issuers/{issuer_id}", status_code=204)
def delete_issuer(project: Admin, services: ServicesDep, issuer_id: str) -> None:
    """Stop accepting the issuer's tokens."""
    issuers.remove(services.registry.table, project, issuer_id)
