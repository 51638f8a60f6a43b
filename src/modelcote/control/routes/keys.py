"""API keys."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from modelcote.control.auth import Admin, ServicesDep
from modelcote.control.body import Json, Strict
from modelcote.control.views.keys import CreatedKey, KeyList, KeyView
from modelcote.identity import keys

router = APIRouter(prefix="/v1/projects/{project}/keys", tags=["keys"])


class CreateKey(Strict):
    """At most two active keys may share a name, so that one can replace the other."""

    name: str
    scopes: list[str] = Field(description="of predict, deploy and admin, which has all rights")
    expires_in_s: int | None = Field(None, description="seconds; null for never")


@router.get("")
def list_keys(project: Admin, services: ServicesDep) -> KeyList:
    """List the project's keys, also revoked and expired ones."""
    return KeyList(keys=[KeyView.from_row(row) for row in keys.all_of(services.registry.table, project)])


@router.post("", status_code=201)
def create_key(project: Admin, services: ServicesDep, body: Json[CreateKey]) -> CreatedKey:
    """Create a key; only this answer holds its text."""
    row, text = keys.create(services.registry.table, project, body.name, body.scopes, body.expires_in_s)
    return CreatedKey.from_row(row, key=text)


@router.delete("/{key_id}", status_code=204)
def revoke_key(project: Admin, services: ServicesDep, key_id: str) -> None:
    """Revoke a key. The gateway may accept it for up to five more seconds."""
    keys.revoke(services.registry.table, project, key_id)
