"""Trusted JWT issuers."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from modelcote.control.auth import Admin, ServicesDep
from modelcote.control.body import Json, Strict
from modelcote.control.views.keys import IssuerList, IssuerView
from modelcote.identity import issuers

router = APIRouter(prefix="/v1/projects/{project}/jwt-issuers", tags=["keys"])


class PutIssuer(Strict):
    """A token is accepted if its `iss` and `aud` are these and the public key verifies it."""

    issuer: str
    audience: str
    public_key: str = Field(description="PEM: RSA of 2,048 bits or more (RS256), P-256 (ES256) or Ed25519 (EdDSA)")
    scopes: list[str]


@router.get("")
def list_issuers(project: Admin, services: ServicesDep) -> IssuerList:
    """List the project's issuers."""
    return IssuerList(issuers=[IssuerView.from_row(row) for row in issuers.all_of(services.registry.table, project)])


@router.put("")
def put_issuer(project: Admin, services: ServicesDep, body: Json[PutIssuer]) -> IssuerView:
    """Register an issuer and audience, or replace their key and scopes."""
    row = issuers.register(services.registry.table, project, body.issuer, body.audience, body.public_key, body.scopes)
    return IssuerView.from_row(row)


@router.delete("/{issuer_id}", status_code=204)
def delete_issuer(project: Admin, services: ServicesDep, issuer_id: str) -> None:
    """Stop accepting the issuer's tokens."""
    issuers.remove(services.registry.table, project, issuer_id)
