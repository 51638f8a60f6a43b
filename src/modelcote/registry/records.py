"""The rows of the registry table, as frozen values.

Every row of a project has `pk = P#<project>`; its sort key says what it is (`MODEL#name`, `VERSION#name#00000001`,
`DEPLOY#id`, `KEY#id`, `ISSUER#id`). Times are UTC in ISO 8601 with milliseconds, except where a name ends in
`_at_s`: seconds since the epoch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from typing import Any

from modelcote.aws.rows import Row, project_pk
from modelcote.core.inputs import Inputs, inputs_from_dict
from modelcote.core.objects import upload_key
from modelcote.core.snapshot import Package
from modelcote.core.spec import ModelSpec, spec_from_stored
from modelcote.core.target import LAMBDA, RENAMED, Target


class ModelState(StrEnum):
    """States of a model. NEW: versions exist, but no deploy has been requested yet."""

    NEW = "NEW"
    DEPLOYING = "DEPLOYING"
    READY = "READY"
    FAILED = "FAILED"
    DELETING = "DELETING"


class VersionState(StrEnum):
    """States of a version, in order."""

    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    UPLOADED = "UPLOADED"
    BUILDING = "BUILDING"
    READY = "READY"
    ARCHIVED = "ARCHIVED"
    FAILED = "FAILED"


class DeployState(StrEnum):
    """States of a deploy, in order; the last two end it."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class DeployKind(StrEnum):
    """What a deploy does."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    DELETE = "delete"


# The condition of a write to a model that exists and is not being deleted, with its value.
LIVING: dict[str, Any] = {"condition": "attribute_exists(#pk) AND #state <> :deleting", "deleting": ModelState.DELETING}


def model_key(project: str, name: str) -> tuple[str, str]:
    return project_pk(project), f"MODEL#{name}"


def version_prefix(name: str) -> str:
    """Return what the sort keys of all of a model's versions start with."""
    return f"VERSION#{name}#"


def version_key(project: str, name: str, version: int) -> tuple[str, str]:
    return project_pk(project), f"{version_prefix(name)}{version:08d}"


def deploy_key(project: str, deploy_id: str) -> tuple[str, str]:
    return project_pk(project), f"DEPLOY#{deploy_id}"


def log_pk(project: str, deploy_id: str) -> str:
    return f"LOG#{project}#{deploy_id}"


@dataclass(frozen=True)
class Model(Row):
    """A name in a project.

    `current_version` serves (0: none yet), `previous_version` served before it, `wanted_version` was requested last.
    `timeout_s`, `mode`, `backend` and `address` are the current version's. `webhook_url` is where its runs' webhooks
    go unless a run says otherwise; `webhook_auth` (`basic`, `mtls` or empty) says that Secrets Manager holds
    credentials for it.
    """

    renamed = RENAMED

    project: str
    name: str
    state: str = ModelState.NEW
    last_version: int = 0
    current_version: int = 0
    previous_version: int = 0
    wanted_version: int = 0
    backend: str = LAMBDA
    address: str = ""
    runtime: str = ""
    compiled: bool = False
    timeout_s: int = 60
    mode: str = "sync"
    webhook_url: str = ""
    webhook_auth: str = ""
    deploy_id: str = ""
    updated_at: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return model_key(self.project, self.name)

    def version_key(self, number: int) -> tuple[str, str]:
        return version_key(self.project, self.name, number)

    @property
    def target(self) -> Target:
        """Where the current version is called."""
        return Target(self.backend, self.address)


@dataclass(frozen=True)
class Version(Row):
    """An immutable number: a spec and a bundle pinned by its sha256; `package` once built.

    `spec_json`, `package_json`, `compiled_json` and `inputs_json` are JSON texts; before the upload the spec may have
    no flow yet, which the bundle brings. `declared_sha256` and `declared_bytes` are what the client announced; empty
    and 0 if it announced nothing.
    """

    project: str
    name: str
    version: int
    state: str
    spec_json: str
    declared_sha256: str = ""
    declared_bytes: int = 0
    bundle_key: str = ""
    bundle_sha256: str = ""
    bundle_bytes: int = 0
    package_json: str = ""
    runtime: str = ""
    compiled: bool = False
    compiled_json: str = ""
    inputs_json: str = ""
    deploy_id: str = ""
    message: str = ""
    created_at: str = ""
    updated_at: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return version_key(self.project, self.name, self.version)

    @property
    def upload_key(self) -> str:
        return upload_key(self.project, self.name, self.version)

    @cached_property
    def spec(self) -> ModelSpec:
        """The spec as it was accepted; the rules are checked at the doors, not here."""
        return spec_from_stored(json.loads(self.spec_json))

    @property
    def package(self) -> Package | None:
        """The built package, or None before the build."""
        if not self.package_json:
            return None
        data = json.loads(self.package_json)
        values = {field.name: data[field.name] for field in fields(Package) if field.name in data}
        return Package(**{**values, "layers": tuple(data["layers"])})

    @property
    def compiled_report(self) -> dict[str, Any] | None:
        """The compiled tier's report, or None where nothing was compiled."""
        report: dict[str, Any] | None = json.loads(self.compiled_json) if self.compiled_json else None
        return report

    @property
    def inputs(self) -> Inputs | None:
        """The model's inputs; None before the build, for a very long description, and for earlier versions' rows."""
        return inputs_from_dict(json.loads(self.inputs_json)) if self.inputs_json else None


@dataclass(frozen=True)
class Deploy(Row):
    """One request to deploy, roll back or delete, and how far it is. `error_json` is a problem (RFC 9457)."""

    project: str
    deploy_id: str
    model: str
    version: int
    kind: str
    state: str = DeployState.QUEUED
    error_json: str = ""
    lines: int = 0
    created_at: str = ""
    updated_at: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return deploy_key(self.project, self.deploy_id)

    @property
    def model_key(self) -> tuple[str, str]:
        return model_key(self.project, self.model)

    @property
    def version_key(self) -> tuple[str, str]:
        return version_key(self.project, self.model, self.version)

    @property
    def finished(self) -> bool:
        return self.state in (DeployState.SUCCEEDED, DeployState.FAILED)

    @property
    def error(self) -> dict[str, Any] | None:
        problem: dict[str, Any] | None = json.loads(self.error_json) if self.error_json else None
        return problem


@dataclass(frozen=True)
class LogLine:
    """A line of a deploy's log; `n` counts from 1."""

    n: int
    at: str
    text: str
