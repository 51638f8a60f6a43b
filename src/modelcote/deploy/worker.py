"""Working off deploy requests: many requests, one engine run, each ended as what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelcote.core.errors import BackendUnavailable, DeployFailed, ModelcoteError
from modelcote.core.names import function_name
from modelcote.core.snapshot import Snapshot
from modelcote.deploy.build import build
from modelcote.deploy.engine import Engine, Runtimes
from modelcote.registry.records import DELETE, DEPLOY, Deploy
from modelcote.registry.store import Registry

_LEASE_S = 60
_HEARTBEAT_S = 15
_PATIENCE_S = 600


def work(
    messages: Sequence[Mapping[str, Any]],
    registry: Registry,
    engine: Engine,
    runtimes: Runtimes,
    *,
    stack: str,
    owner: str,
    folder: Path,
) -> None:
    """Work off these queue messages. `folder` keeps what builds share; `owner` names this process in the lease.

    A request that fails ends as FAILED with its problem, and what served before goes on serving. Raises
    `BackendUnavailable` when another deployer keeps the lease for ten minutes: the messages then come again.
    """
    with _lease(registry, owner):
        begun = [registry.begin(str(message["project"]), str(message["deploy_id"])) for message in messages]
        deploys = [deploy for deploy in begun if deploy is not None]
        ready = [deploy for deploy in deploys if _prepared(deploy, registry, runtimes, folder)]
        if not ready:
            return
        try:
            snapshot = snapshot_of(registry, runtimes)
            engine.up(snapshot)
        except ModelcoteError as error:
            for deploy in ready:
                _fail(deploy, registry, error)
            return
        for deploy in ready:
            _end(deploy, registry, snapshot, stack)


def snapshot_of(registry: Registry, runtimes: Runtimes) -> Snapshot:
    """The registry whole, with every layer that its models need."""
    found = registry.snapshot()
    keys = {key for model in found.models for key in model.package.layers}
    return replace(found, layers=tuple(runtimes.layer_of(key) for key in sorted(keys)))


def _prepared(deploy: Deploy, registry: Registry, runtimes: Runtimes, folder: Path) -> bool:
    """Whether the request may go into the engine's run; one that cannot be built has failed, alone."""

    def say(line: str) -> None:
        registry.append_log(deploy.project, deploy.deploy_id, line)

    say({DEPLOY: f"building version {deploy.version}", DELETE: "deleting"}.get(deploy.kind, f"to {deploy.version}"))
    if deploy.kind != DEPLOY:
        return True
    try:
        build(deploy, registry, runtimes, folder, say)
    except ModelcoteError as error:
        _fail(deploy, registry, error)
        return False
    except Exception as error:
        _fail(deploy, registry, DeployFailed(f"the build broke: {type(error).__name__}: {error}", "Deploy again."))
        raise
    return True


def _fail(deploy: Deploy, registry: Registry, error: ModelcoteError) -> None:
    registry.append_log(deploy.project, deploy.deploy_id, f"failed: {error}")
    registry.mark_failed(deploy, error)


def _end(deploy: Deploy, registry: Registry, snapshot: Snapshot, stack: str) -> None:
    if deploy.kind == DELETE:
        registry.append_log(deploy.project, deploy.deploy_id, "deleted")
        registry.forget(deploy)
        return
    serves = any(
        (model.project, model.name, model.version) == (deploy.project, deploy.model, deploy.version)
        for model in snapshot.models
    )
    if not serves:
        registry.append_log(deploy.project, deploy.deploy_id, "built; a later request is served instead")
        registry.mark_superseded(deploy)
        return
    registry.append_log(deploy.project, deploy.deploy_id, f"version {deploy.version} serves")
    registry.mark_ready(deploy, function_name(stack, deploy.project, deploy.model))


@contextmanager
def _lease(registry: Registry, owner: str) -> Iterator[None]:
    """The right to run the engine, prolonged every 15 s while it is held."""
    deadline = time.monotonic() + _PATIENCE_S
    while not registry.take_lease(owner, _LEASE_S):
        if time.monotonic() > deadline:
            raise BackendUnavailable("another deployer holds the stack.", "It is tried again.")
        time.sleep(1)
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_HEARTBEAT_S):
            registry.take_lease(owner, _LEASE_S)

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield
    finally:
        done.set()
        heart.join()
        registry.release_lease(owner)
