"""What the control API answers with, and how each is made from the registry's records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from modelcote.control.services import Services
from modelcote.identity.records import ApiKey, JwtIssuer
from modelcote.registry.deploys import DeployStatus
from modelcote.registry.records import Deploy, Model, Version


class ModelView(BaseModel):
    """A model. `current_version` serves (0: none yet), `wanted_version` was asked for last."""

    name: str
    state: str = Field(description="NEW, DEPLOYING, READY, FAILED or DELETING")
    current_version: int
    wanted_version: int
    runtime: str
    compiled: bool
    predict_url: str
    updated_at: str


class ModelList(BaseModel):
    models: list[ModelView]


class VersionView(BaseModel):
    """A version. `sha256` and `bytes` are its inspected bundle's; `compile_report` is null where none was made."""

    version: int
    state: str = Field(description="AWAITING_UPLOAD, UPLOADED, BUILDING, READY, ARCHIVED or FAILED")
    sha256: str
    bytes: int
    runtime: str
    compiled: bool
    compile_report: dict[str, Any] | None
    message: str
    spec: dict[str, Any]
    created_at: str
    updated_at: str


class VersionList(BaseModel):
    versions: list[VersionView]


class Upload(BaseModel):
    """Where and how the bundle is to be sent, within 15 minutes."""

    url: str
    method: str
    headers: dict[str, str]


class CreatedVersion(BaseModel):
    version: int
    upload: Upload


class Accepted(BaseModel):
    """A deploy request that was taken."""

    deploy_id: str
    status_url: str


class Line(BaseModel):
    n: int
    at: str
    text: str


class DeployView(BaseModel):
    """How far a deploy is. Ask again with `after` set to `next` for the lines that follow."""

    deploy_id: str
    model: str
    version: int
    kind: str = Field(description="deploy, rollback or delete")
    state: str = Field(description="QUEUED, RUNNING, SUCCEEDED or FAILED")
    lines: list[Line]
    next: int
    predict_url: str
    error: dict[str, Any] | None


class LogEvent(BaseModel):
    at: str
    text: str


class LogLines(BaseModel):
    """A model's log, oldest line first."""

    lines: list[LogEvent]


class KeyView(BaseModel):
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


class KeyList(BaseModel):
    keys: list[KeyView]


class IssuerView(BaseModel):
    issuer_id: str
    issuer: str
    audience: str
    algorithm: str
    scopes: list[str]
    created_at: str


class IssuerList(BaseModel):
    issuers: list[IssuerView]


class SecretView(BaseModel):
    """A secret's key; its value is never given back."""

    key: str
    updated_at: str


class SecretList(BaseModel):
    secrets: list[SecretView]


class Health(BaseModel):
    status: str


class Problem(BaseModel):
    """Every error (RFC 9457), as `application/problem+json`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    request_id: str


def instant(seconds: float) -> str:
    """A time since the epoch in ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def model_view(row: Model, parts: Services) -> ModelView:
    url = parts.predict_url(row.project, row.name)
    known = ("name", "state", "current_version", "wanted_version", "runtime", "compiled", "updated_at")
    return ModelView(predict_url=url, **{name: getattr(row, name) for name in known})


def version_view(row: Version) -> VersionView:
    return VersionView(
        version=row.version,
        state=row.state,
        sha256=row.bundle_sha256,
        bytes=row.bundle_bytes,
        runtime=row.runtime,
        compiled=row.compiled,
        compile_report=row.compiled_report,
        message=row.message,
        spec=json.loads(row.spec_json),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def accepted(deploy: Deploy, parts: Services) -> Accepted:
    url = f"{parts.public_url}/v1/projects/{deploy.project}/deploys/{deploy.deploy_id}"
    return Accepted(deploy_id=deploy.deploy_id, status_url=url)


def deploy_view(status: DeployStatus, parts: Services) -> DeployView:
    row = status.deploy
    return DeployView(
        deploy_id=row.deploy_id,
        model=row.model,
        version=row.version,
        kind=row.kind,
        state=row.state,
        lines=[Line(n=line.n, at=line.at, text=line.text) for line in status.lines],
        next=status.next,
        predict_url=parts.predict_url(row.project, row.model),
        error=row.error,
    )


def key_view(row: ApiKey) -> KeyView:
    return KeyView(
        key_id=row.key_id,
        name=row.name,
        prefix=row.prefix,
        scopes=list(row.scopes),
        created_at=row.created_at,
        expires_at=instant(row.expires_at_s) if row.expires_at_s else None,
        revoked_at=instant(row.revoked_at_s) if row.revoked_at_s else None,
    )


def issuer_view(row: JwtIssuer) -> IssuerView:
    known = ("issuer_id", "issuer", "audience", "algorithm", "created_at")
    return IssuerView(scopes=list(row.scopes), **{name: getattr(row, name) for name in known})
