"""What `up` makes on the emulator: the program's resources, a project and its first key."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.config import Settings, settings_to_json
from modelcote.core.errors import LocalCloudError, Unauthorized
from modelcote.core.snapshot import Snapshot
from modelcote.core.spec import default_python_version
from modelcote.deploy.artifacts.package import platform_package
from modelcote.deploy.artifacts.runtimes import committed
from modelcote.deploy.queue.snapshot import take_snapshot
from modelcote.dialects import PREDICT_ROUTES
from modelcote.identity import keys
from modelcote.identity.authenticate import authenticate
from modelcote.identity.scopes import SCOPES
from modelcote.local.engine import LocalEngine
from modelcote.local.functions import write_atomically
from modelcote.local.host.settings import ACCOUNT, REGION
from modelcote.local.runtimes import layer_for, layer_of
from modelcote.local.status import STACK, Status
from modelcote.registry import models
from modelcote.registry.store import Registry, open_registry

SETTINGS = "settings.json"
KEY_NAME = "local"
# Receivers of webhooks are developed on the same machine, without a certificate.
_POLICY = {"webhook_loopback": True, "webhook_http": True}
_POLICY_FILE = "policy.json"


def make_platform(home: Path, current: Status, environment: Mapping[str, str], held: Sequence[str] = ()) -> Status:
    """Run the program on what the registry holds, and return the status with its outputs and an API key.

    `held`: the models (`project/name`) before a stop that was not clean; the note says which were restored.
    """
    layer = layer_for(committed("platform", default_python_version()))
    archive = platform_package(home / "build" / "platform.zip", Path(layer.archive) / "bin" / "python")
    paths = tuple(route.path for route in PREDICT_ROUTES)
    settings = Settings(STACK, REGION, ACCOUNT, str(archive), layer, paths, policy=local_policy(home))
    write_atomically(home / SETTINGS, settings_to_json(settings))
    with aws(environment):
        snapshot = _registered(current) if current.registry_table else Snapshot()
        outputs = LocalEngine(home, home / SETTINGS, environment).up(snapshot)
        recorded: dict[str, Any] = {
            name: str(outputs[name]) for name in ("url", "registry_table", "bucket", "deploy_queue_url")
        }
        restored = {f"{model.project}/{model.name}" for model in snapshot.models}
        current = replace(current, note=_note(held, restored), **recorded)
        registry = registry_of(current)
        models.ensure_project(registry, current.project)
        if not _valid(current.api_key, registry):
            current = replace(current, api_key=_new_key(current.project, registry))
        return current


def local_policy(home: Path) -> dict[str, Any]:
    """Return the local cloud's policy, overridden by `policy.json` of its folder; raise `LocalCloudError`."""
    path = home / _POLICY_FILE
    if not path.is_file():
        return dict(_POLICY)
    try:
        override = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LocalCloudError(f"{path} is not JSON: {error}", "Correct it, or remove it.") from error
    if not isinstance(override, dict):
        raise LocalCloudError(f"{path} must hold a JSON object.", 'Write it as {"name": value}, or remove it.')
    return {**_POLICY, **override}


def _note(held: Sequence[str], restored: Set[str]) -> str:
    if not held:
        return ""
    lost = sorted(set(held) - restored)
    note = f"The last run did not stop cleanly; {len(restored)} of its models were restored."
    return f"{note} Deploy these again: {', '.join(lost)}." if lost else note


def _valid(api_key: str, registry: Registry) -> bool:
    try:
        authenticate(api_key, registry.table.get)
    except Unauthorized:
        return False
    return True


def _new_key(project: str, registry: Registry) -> str:
    """Return a new key for the user; revoke the earlier ones of that name, since no one knows them any more."""
    for row in keys.all_of(registry.table, project):
        if row.name == KEY_NAME and not row.revoked_at_s:
            keys.revoke(registry.table, project, row.key_id)
    return keys.create(registry.table, project, KEY_NAME, SCOPES)[1]


def registry_of(current: Status) -> Registry:
    """Return the local cloud's registry, for a process whose environment points at the emulator."""
    return open_registry(current.registry_table, current.bucket, current.deploy_queue_url)


def _registered(current: Status) -> Snapshot:
    """Return what the registry holds; nothing where the emulator was killed before it saved a registry."""
    registry = registry_of(current)
    try:
        return take_snapshot(registry, layer_of)
    except registry.table.client.exceptions.ResourceNotFoundException:
        return Snapshot()


@contextmanager
def aws(environment: Mapping[str, str]) -> Iterator[None]:
    """Point this process's AWS clients at the emulator, and back again."""
    before = _replace_aws(environment)
    try:
        yield
    finally:
        _replace_aws(before)


def _replace_aws(environment: Mapping[str, str]) -> dict[str, str]:
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    os.environ.update({name: value for name, value in environment.items() if name.startswith("AWS_")})
    return before
