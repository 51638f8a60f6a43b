"""What `up` makes on the emulator: the program's resources, a project and its first key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from infra.config import Settings, settings_to_json
from modelcote.core.snapshot import Snapshot
from modelcote.core.spec import default_python_version
from modelcote.deploy.package import platform_package
from modelcote.local.cloud import STACK, Status
from modelcote.local.engine import LocalEngine
from modelcote.local.functions import write_atomically
from modelcote.local.host.settings import ACCOUNT, REGION
from modelcote.local.runtimes import layer_for, layer_of
from modelcote.registry.scopes import SCOPES
from modelcote.registry.store import Registry

SETTINGS = "settings.json"
KEY_NAME = "local"


def make_platform(home: Path, current: Status, environment: Mapping[str, str]) -> Status:
    """Run the program on what the registry holds, and give the status with its outputs and an API key."""
    layer = layer_for("platform", default_python_version())
    archive = platform_package(home / "build" / "platform.zip", Path(layer.archive) / "bin" / "python")
    settings = Settings(STACK, REGION, ACCOUNT, str(archive), layer)
    write_atomically(home / SETTINGS, settings_to_json(settings))
    with aws(environment):
        engine = LocalEngine(home, home / SETTINGS, environment)
        known = bool(current.api_key) and (home / "state.json").is_file()
        outputs = engine.up(_registered(current) if known else Snapshot())
        made = replace(
            current,
            url=str(outputs["url"]),
            registry_table=str(outputs["registry_table"]),
            bucket=str(outputs["bucket"]),
            deploy_queue_url=str(outputs["deploy_queue_url"]),
        )
        registry = registry_of(made)
        registry.ensure_project(made.project)
        if made.api_key:
            return made
        _, key = registry.create_key(made.project, KEY_NAME, SCOPES)
        return replace(made, api_key=key)


def registry_of(current: Status) -> Registry:
    """The local cloud's registry, for a process whose environment points at the emulator."""
    return Registry(current.registry_table, current.bucket, current.deploy_queue_url)


def _registered(current: Status) -> Snapshot:
    """The snapshot of a registry that a clean stop has kept."""
    found = registry_of(current).snapshot()
    keys = {key for model in found.models for key in model.package.layers}
    return replace(found, layers=tuple(layer_of(key) for key in sorted(keys)))


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
