"""Versions: creation, upload, deploy."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from modelcote.control.auth import Deployer, ServicesDep
from modelcote.control.body import Json, Strict
from modelcote.control.uploads import MAX_BUNDLE, accept_upload
from modelcote.control.views.models import (
    Accepted,
    CreatedVersion,
    Upload,
    VersionDetail,
    VersionList,
    version_detail,
    version_view,
)
from modelcote.core.errors import InvalidSpec, NotFound, PayloadTooLarge
from modelcote.core.spec import spec_from_dict
from modelcote.core.texts import quoted
from modelcote.registry import deploys, versions
from modelcote.registry.records import DeployKind
from modelcote.registry.versions import ZIP

router = APIRouter(prefix="/v1/projects/{project}/models/{model}/versions", tags=["versions"])


class Bundle(Strict):
    """The zip that will be uploaded."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the whole file, in hexadecimal")
    bytes: int = Field(ge=1, description="size of the file")


class CreateVersion(Strict):
    """A model's spec, as in `conduit.json` with the fields of the Conduit constructor, and its bundle."""

    spec: dict[str, Any]
    bundle: Bundle


@router.post("", status_code=201)
def create_version(project: Deployer, services: ServicesDep, model: str, body: Json[CreateVersion]) -> CreatedVersion:
    """Create a version of the model, which then awaits the upload of its bundle."""
    spec = spec_from_dict(body.spec)
    if spec.name != model:
        raise InvalidSpec(
            f"the spec is named {spec.name}, the path {quoted(model, 40)}.", "Use one name.", field="name"
        )
    if body.bundle.bytes > MAX_BUNDLE:
        raise PayloadTooLarge(f"the bundle has {body.bundle.bytes:,} bytes.", f"Send at most {MAX_BUNDLE:,} bytes.")
    version, url = versions.create(services.registry, project, spec, body.bundle.sha256, body.bundle.bytes)
    return CreatedVersion(version=version.version, upload=Upload(url=url, method="PUT", headers={"content-type": ZIP}))


@router.get("")
def list_versions(project: Deployer, services: ServicesDep, model: str) -> VersionList:
    """List the model's versions, newest first."""
    return VersionList(versions=[version_view(row) for row in versions.all_of(services.registry, project, model)])


@router.get("/{version}")
def get_version(project: Deployer, services: ServicesDep, model: str, version: str) -> VersionDetail:
    """Return one version."""
    return version_detail(versions.get(services.registry, project, model, _number(version)))


@router.post("/{version}/deploy", status_code=202)
def deploy_version(project: Deployer, services: ServicesDep, model: str, version: str) -> Accepted:
    """Inspect the uploaded bundle and request its deploy; a repeated request returns the same deploy."""
    row = versions.get(services.registry, project, model, _number(version))
    row = accept_upload(services.registry, row)
    return Accepted.of(deploys.request(services.registry, project, model, row.version, DeployKind.DEPLOY), services)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 8):
        raise NotFound(f"{quoted(text, 40)} is not a version.", "Versions are whole numbers from 1.")
    return int(text)
