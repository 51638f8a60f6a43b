"""Working off deploy requests: many requests, one engine run, each ended as what became of it."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from modelcote.backends import BACKENDS
from modelcote.core.errors import DeployFailed, ModelcoteError
from modelcote.core.snapshot import DeployedModel, Snapshot
from modelcote.core.target import Target
from modelcote.deploy.artifacts.builder import Builder
from modelcote.deploy.program.engine import Engine
from modelcote.deploy.queue.build import build
from modelcote.deploy.queue.lease import held
from modelcote.deploy.queue.snapshot import take_snapshot
from modelcote.registry import deploys, outcomes
from modelcote.registry.records import Deploy, DeployKind
from modelcote.registry.store import Registry

_BUILDS_AT_ONCE = 4
_BEGINNING: dict[str, str] = {DeployKind.DEPLOY: "building version {version}", DeployKind.DELETE: "deleting"}


def work(
    messages: Sequence[Mapping[str, Any]],
    registry: Registry,
    engine: Engine,
    builder: Builder,
    *,
    stack: str,
    folder: Path | None = None,
) -> None:
    """Work off these queue messages. `folder` keeps the compiled serving code that builds share; this process's own
    by default.

    A request that fails ends as FAILED with its problem, alone, and what served before goes on serving. Raises only
    what keeps it from working at all, such as a lost lease: the messages then come back.
    """
    with held(registry.table) as lease:
        worker = Worker(registry, engine, builder, stack, folder or _shared())
        begun = [outcomes.begin(registry, str(message["project"]), str(message["deploy_id"])) for message in messages]
        requests = [deploy for deploy in begun if deploy is not None]
        if not requests:
            return
        try:
            before = take_snapshot(registry, builder.layer_of)
        except ModelcoteError as error:
            for deploy in requests:
                worker.fail(deploy, error)
            return
        with ThreadPoolExecutor(_BUILDS_AT_ONCE, thread_name_prefix="build") as pool:
            ready = [deploy for deploy, built in zip(requests, pool.map(worker.build, requests), strict=True) if built]
        if ready:
            lease.check()
            worker.run(ready, before, take_snapshot(registry, builder.layer_of))


@dataclass(frozen=True)
class Worker:
    """The steps of a batch."""

    registry: Registry
    engine: Engine
    builder: Builder
    stack: str
    folder: Path

    def build(self, deploy: Deploy) -> bool:
        """Builds what the request asks for; False when that failed and the request has ended."""

        def prepare() -> None:
            self.say(deploy, _BEGINNING.get(deploy.kind, "back to version {version}").format(version=deploy.version))
            if deploy.kind == DeployKind.DEPLOY:
                build(deploy, self.registry, self.builder, self.folder, lambda line: self.say(deploy, line))

        return self._succeeds(deploy, prepare)

    def run(self, requests: Sequence[Deploy], before: Snapshot, after: Snapshot) -> None:
        """Runs the engine once for all requests; if that fails, once for each, to find which one it is."""
        if len(requests) > 1:
            try:
                self.engine.up(after)
            except Exception as error:  # it will come again for the request that is its reason, and end it
                for deploy in requests:
                    self.say(deploy, f"together with others it failed ({type(error).__name__}); now by itself")
            else:
                for deploy in requests:
                    self._end(deploy, after)
                return
        for deploy in requests:
            tried = only(deploy, before, after)
            if self._succeeds(deploy, lambda tried=tried: self.engine.up(tried)):  # type: ignore[misc]
                self._end(deploy, tried)
                before = tried

    def _end(self, deploy: Deploy, made: Snapshot) -> None:
        """Tells the registry what became of a request that the engine has made real."""

        def tell() -> None:
            served = _find(made, deploy)
            if deploy.kind == DeployKind.DELETE:
                self.say(deploy, "deleted")
                outcomes.forget(self.registry, deploy)
            elif served is None or served.version != deploy.version:
                self.say(deploy, "built; a later request is served instead")
                outcomes.mark_superseded(self.registry, deploy)
            else:
                self.say(deploy, f"version {deploy.version} serves")
                address = BACKENDS[served.backend].address(self.stack, deploy.project, deploy.model)
                outcomes.mark_ready(self.registry, deploy, Target(served.backend, address))

        self._succeeds(deploy, tell)

    def _succeeds(self, deploy: Deploy, step: Callable[[], object]) -> bool:
        """Whether the step did not raise; the request of one that did ends as FAILED."""
        try:
            step()
        except Exception as error:  # one bad request fails alone, whatever it is
            if not isinstance(error, ModelcoteError):
                traceback.print_exception(error, file=sys.stderr)
                error = DeployFailed(
                    f"the deployer failed: {type(error).__name__}: {error}"[:600],
                    "Deploy again; if it stays so, see the deployer's log.",
                )
            self.fail(deploy, error)
            return False
        return True

    def fail(self, deploy: Deploy, error: ModelcoteError) -> None:
        """Ends a request as FAILED."""
        self.say(deploy, f"failed: {error}")
        outcomes.mark_failed(self.registry, deploy, error)

    def say(self, deploy: Deploy, line: str) -> None:
        """A line of the deploy's log; one that cannot be written does not end a deploy."""
        with suppress(Exception):
            deploys.append_log(self.registry, deploy.project, deploy.deploy_id, line)


@cache
def _shared() -> Path:
    """A folder that goes with this process: one that others could write to would let them choose what is served."""
    folder = tempfile.mkdtemp(prefix="modelcote-code-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def only(deploy: Deploy, before: Snapshot, after: Snapshot) -> Snapshot:
    """`before`, with the request's model as it is in `after`. Tombstones stay: they are to go whatever else fails."""
    changed = _find(after, deploy)
    others = tuple(row for row in before.models if (row.project, row.name) != (deploy.project, deploy.model))
    models = (*others, *((changed,) if changed is not None else ()))
    needed = {key for model in models for key in model.package.layers}
    layers = {layer.key: layer for layer in (*before.layers, *after.layers)}
    return replace(after, models=models, layers=tuple(layers[key] for key in sorted(needed)))


def _find(snapshot: Snapshot, deploy: Deploy) -> DeployedModel | None:
    return next(
        (model for model in snapshot.models if (model.project, model.name) == (deploy.project, deploy.model)), None
    )
