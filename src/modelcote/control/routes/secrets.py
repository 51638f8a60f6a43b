"""Secrets that processors read with `get_secret(key)`: written here, never returned."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError
from fastapi import APIRouter
from pydantic import Field

from modelcote.control.auth import Admin, ServicesDep
from modelcote.control.body import Json, Strict
from modelcote.control.services import Services
from modelcote.control.views.keys import SecretList, SecretView
from modelcote.core.errors import Invalid, NotFound
from modelcote.core.names import secret_name
from modelcote.core.texts import quoted
from modelcote.core.times import instant

router = APIRouter(prefix="/v1/projects/{project}/secrets", tags=["secrets"])
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class PutSecret(Strict):
    """The value, at most 64 KB in UTF-8 (Secrets Manager's own limit)."""

    value: str = Field(min_length=1, max_length=65_536)


@router.get("")
def list_secrets(project: Admin, services: ServicesDep) -> SecretList:
    """List the keys of the project's secrets."""
    prefix = secret_name(services.stack, project, "")
    pages = services.secrets.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [prefix]}])
    rows = [row for page in pages for row in page["SecretList"] if row["Name"].startswith(prefix)]
    return SecretList(
        secrets=[
            SecretView(key=row["Name"].removeprefix(prefix), updated_at=instant(row["LastChangedDate"].timestamp()))
            for row in sorted(rows, key=lambda row: row["Name"])
        ]
    )


@router.get("/{key}")
def get_secret(project: Admin, services: ServicesDep, key: str) -> SecretView:
    """Return the time of the secret's last change, if it exists."""
    try:
        row = services.secrets.describe_secret(SecretId=_name(services, project, key))
    except ClientError as error:
        raise _missing(error) from error
    return SecretView(key=key, updated_at=instant((row.get("LastChangedDate") or row["CreatedDate"]).timestamp()))


@router.put("/{key}", status_code=204)
def put_secret(project: Admin, services: ServicesDep, key: str, body: Json[PutSecret]) -> None:
    """Create the secret, or replace its value."""
    name = _name(services, project, key)
    try:
        services.secrets.create_secret(Name=name, SecretString=body.value)
    except services.secrets.exceptions.ResourceExistsException:
        services.secrets.put_secret_value(SecretId=name, SecretString=body.value)


@router.delete("/{key}", status_code=204)
def delete_secret(project: Admin, services: ServicesDep, key: str) -> None:
    """Delete the secret at once, so that its key can be used again."""
    name = _name(services, project, key)
    try:
        services.secrets.describe_secret(SecretId=name)
        services.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    except ClientError as error:
        raise _missing(error) from error


def _name(services: Services, project: str, key: str) -> str:
    if not _KEY.fullmatch(key):
        raise Invalid(
            f"{quoted(key)} is not a secret's key.", "Use 1 to 64 of A-Z, a-z, 0-9, _ and hyphens.", field="key"
        )
    return secret_name(services.stack, project, key)


def _missing(error: ClientError) -> Exception:
    """Return 404 for a secret that does not exist, and any other failure unchanged."""
    if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
        return NotFound("there is no such secret in this project.", "List them with `cote secrets ls`.")
    return error
