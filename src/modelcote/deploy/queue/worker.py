"""Process deploy requests: many requests, one engine run, an outcome for each."""

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
from functools import cache, partial
from pathlib import Path
from typing import Any

from modelcote.backends import spec_of
from modelcote.core.errors import DeployFailed, ModelcoteError
from modelcote.core.snapshot import DeployedModel, Snapshot
from modelcote.core.target import Target
from modelcote.core.texts import first_line
from modelcote.deploy.artifacts.provider import RuntimeProvider
from modelcote.deploy.program.engine import Engine
from modelcote.deploy.queue.build import build
from modelcote.deploy.queue.lease import held
from modelcote.deploy.queue.snapshot import take_snapshot
from modelcote.registry import deploys, outcomes, versions
from modelcote.registry.records import Deploy, DeployKind
from modelcote.registry.store import Registry

_BUILDS_AT_ONCE = 4
_FIRST_LINE: dict[str, str] = {DeployKind.DEPLOY: "building version {version}", DeployKind.DELETE: "deleting"}


def process(
    messages: Sequence[Mapping[str, Any]],
    registry: Registry,
    engine: Engine,
    runtimes: RuntimeProvider,
    *,
    stack: str,
    folder: Path | None = None,
) -> None:
    """Process these queue messages. `folder`: where builds share the compiled serving code; by default this process's.

    A request that fails ends alone, as FAILED with its problem, and the version that served before keeps serving.
    Raises only what stops the whole batch, such as a lost lease: the messages are then redelivered.
    """
    with held(registry.table) as lease:
        worker = Worker(registry, engine, runtimes, stack, folder or _shared())
        started = [outcomes.begin(registry, str(message["project"]), str(message["deploy_id"])) for message in messages]
        requests = [deploy for deploy in started if deploy is not None]
        if not requests:
            return
        try:
            before = take_snapshot(registry, runtimes.layer_of)
        except ModelcoteError as error:
            for deploy in requests:
                worker.fail(deploy, error)
            return
        with ThreadPoolExecutor(_BUILDS_AT_ONCE, thread_name_prefix="build") as pool:
            ready = [deploy for deploy, built in zip(requests, pool.map(worker.build, requests), strict=True) if built]
        if ready:
            lease.check()
            worker.run(ready, before, take_snapshot(registry, runtimes.layer_of))


@dataclass(frozen=True)
class Worker:
    """The steps of a batch."""

    registry: Registry
    engine: Engine
    runtimes: RuntimeProvider
    stack: str
    folder: Path

    def build(self, deploy: Deploy) -> bool:
        """Build the requested version; return False if that failed and the request has ended."""

        def prepare() -> None:
            self.say(deploy, _FIRST_LINE.get(deploy.kind, "back to version {version}").format(version=deploy.version))
            if deploy.kind == DeployKind.DEPLOY:
                build(deploy, self.registry, self.runtimes, self.folder, lambda line: self.say(deploy, line))
            elif deploy.kind == DeployKind.ROLLBACK:  # Without a readable spec the current version would be served.
                _ = versions.get(self.registry, deploy.project, deploy.model, deploy.version).spec

        return self._succeeds(deploy, prepare)

    def run(self, requests: Sequence[Deploy], before: Snapshot, after: Snapshot) -> None:
        """Run the engine once for all requests; if that fails, once for each, to find the one that causes it."""
        if len(requests) > 1:
            try:
                self.engine.up(after)
            except Exception as error:  # raised again below for the request that causes it, and ends it
                for deploy in requests:
                    self.say(deploy, f"failed together with other deploys ({type(error).__name__}); retrying alone")
            else:
                for deploy in requests:
                    self._end(deploy, after)
                return
        for deploy in requests:
            alone = with_one_change(deploy, before, after)
            if self._succeeds(deploy, partial(self.engine.up, alone)):
                self._end(deploy, alone)
                before = alone

    def _end(self, deploy: Deploy, applied: Snapshot) -> None:
        """Record the outcome of a request whose snapshot the engine has applied."""

        def record() -> None:
            served = _find(applied, deploy)
            if deploy.kind == DeployKind.DELETE:
                self.say(deploy, "deleted")
                outcomes.forget(self.registry, deploy)
            elif served is None or served.version != deploy.version:
                self.say(deploy, "built; a later version is served instead")
                outcomes.mark_superseded(self.registry, deploy)
            else:
                self.say(deploy, f"version {deploy.version} is being served")
                address = spec_of(served.backend).address(self.stack, deploy.project, deploy.model)
                outcomes.mark_ready(self.registry, deploy, Target(served.backend, address))

        self._succeeds(deploy, record)

    def _succeeds(self, deploy: Deploy, step: Callable[[], object]) -> bool:
        """Return whether the step did not raise; if it did, end the request as FAILED."""
        try:
            step()
        except Exception as error:  # one bad request fails alone, whatever it is
            if not isinstance(error, ModelcoteError):
                traceback.print_exception(error, file=sys.stderr)
                error = DeployFailed(
                    f"the deployer failed: {type(error).__name__}: {first_line(error, 300)}.",
                    "Deploy again; if it fails again, see the deployer's log.",
                )
            self.fail(deploy, error)
            return False
        return True

    def fail(self, deploy: Deploy, error: ModelcoteError) -> None:
        """End a request as FAILED."""
        self.say(deploy, f"failed: {error.text}")
        outcomes.mark_failed(self.registry, deploy, error)

    def say(self, deploy: Deploy, line: str) -> None:
        """Write a line of the deploy's log; a line that cannot be written does not end the deploy."""
        with suppress(Exception):
            deploys.append_log(self.registry, deploy.project, deploy.deploy_id, line)


@cache
def _shared() -> Path:
    """Return a folder deleted with this process; others could choose what is served in one that they can write to."""
    folder = tempfile.mkdtemp(prefix="modelcote-code-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def with_one_change(deploy: Deploy, before: Snapshot, after: Snapshot) -> Snapshot:
    """Return `before` with the request's model as in `after`. Tombstones stay: deletions do not wait for others."""
    others = tuple(row for row in before.models if (row.project, row.name) != (deploy.project, deploy.model))
    models = tuple(row for row in (*others, _find(after, deploy)) if row is not None)
    needed = {key for model in models for key in model.package.layers}
    layers = {layer.key: layer for layer in (*before.layers, *after.layers)}
    return replace(after, models=models, layers=tuple(layers[key] for key in sorted(needed)))


def _find(snapshot: Snapshot, deploy: Deploy) -> DeployedModel | None:
    key = (deploy.project, deploy.model)
    return next((model for model in snapshot.models if (model.project, model.name) == key), None)
