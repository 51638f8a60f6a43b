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
from modelcote.deploy.queue.snapshot import take_snapshot
from modelcote.identity import keys
from modelcote.identity.authenticate import authenticate
from modelcote.identity.scopes import SCOPES
from modelcote.local.cloud import STACK, Status
from modelcote.local.engine import LocalEngine
from modelcote.local.functions import write_atomically
from modelcote.local.host.settings import ACCOUNT, REGION
from modelcote.local.runtimes import layer_for, layer_of
from modelcote.registry import models
from modelcote.registry.store import Registry, open_registry

SETTINGS = "settings.json"
KEY_NAME = "local"
# Receivers of webhooks are tried out on the same machine, without a certificate.
_POLICY = {"webhook_loopback": True, "webhook_http": True}
_POLICY_FILE = "policy.json"


def make_platform(home: Path, current: Status, environment: Mapping[str, str], held: Sequence[str] = ()) -> Status:
    """Run the program on what the registry holds, and give the status with its outputs and an API key.

    `held`: the models (`project/name`) before a stop that was not clean; the note says what became of them.
    """
    layer = layer_for("platform", default_python_version())
    archive = platform_package(home / "build" / "platform.zip", Path(layer.archive) / "bin" / "python")
    settings = Settings(STACK, REGION, ACCOUNT, str(archive), layer, policy=local_policy(home))
    write_atomically(home / SETTINGS, settings_to_json(settings))
    with aws(environment):
        snapshot = _registered(current) if current.registry_table else Snapshot()
        outputs = LocalEngine(home, home / SETTINGS, environment).up(snapshot)
        made = replace(
            current,
            url=str(outputs["url"]),
            registry_table=str(outputs["registry_table"]),
            bucket=str(outputs["bucket"]),
            deploy_queue_url=str(outputs["deploy_queue_url"]),
            note=_note(held, {f"{model.project}/{model.name}" for model in snapshot.models}),
        )
        registry = registry_of(made)
        models.ensure_project(registry, made.project)
        return made if _valid(made.api_key, registry) else replace(made, api_key=_new_key(made.project, registry))


def local_policy(home: Path) -> dict[str, Any]:
    """The local cloud's policy, with `policy.json` of its folder over it; raises `LocalCloudError`."""
    path = home / _POLICY_FILE
    if not path.is_file():
        return dict(_POLICY)
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LocalCloudError(f"{path} is not JSON: {error}", "Correct it, or remove it.") from error
    if not isinstance(given, dict):
        raise LocalCloudError(f"{path} holds no object.", 'Write it as {"name": value}, or remove it.')
    return {**_POLICY, **given}


def _note(held: Sequence[str], restored: Set[str]) -> str:
    lost = sorted(set(held) - restored)
    if not held:
        return ""
    said = f"The last run did not stop cleanly; {len(restored)} of its models were restored."
    return f"{said} Deploy these again: {', '.join(lost)}." if lost else said


def _valid(api_key: str, registry: Registry) -> bool:
    try:
        authenticate(api_key, registry.table.get)
    except Unauthorized:
        return False
    return True


def _new_key(project: str, registry: Registry) -> str:
    """A key of the user's own; earlier ones of that name are revoked, since their text is not stored."""
    for row in keys.all_of(registry.table, project):
        if row.name == KEY_NAME and not row.revoked_at_s:
            keys.revoke(registry.table, project, row.key_id)
    return keys.create(registry.table, project, KEY_NAME, SCOPES)[1]


def registry_of(current: Status) -> Registry:
    """The local cloud's registry, for a process whose environment points at the emulator."""
    return open_registry(current.registry_table, current.bucket, current.deploy_queue_url)


def _registered(current: Status) -> Snapshot:
    """What the registry holds; nothing where the emulator was killed before it saved one."""
    registry = registry_of(current)
    try:
        return take_snapshot(registry, layer_of)
    except registry.table.client.exceptions.ResourceNotFoundException:
        return Snapshot()


@contextmanager
def aws(environment: Mapping[str, str]) -> Iterator[None]:
    """This process's AWS clients pointed at the emulator, and back again."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if name.startswith("AWS_")})
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if name.startswith("AWS_")})
