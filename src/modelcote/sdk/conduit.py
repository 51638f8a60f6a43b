"""`Conduit`: a flow that runs here, and that `deploy()` turns into an endpoint."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from modelcote.bundle.inspect import inspect_bundle
from modelcote.bundle.make import make_bundle
from modelcote.core.errors import InvalidSpec
from modelcote.core.hardware import Hardware, parse_hardware
from modelcote.core.manifest import COMPILED, MANIFEST, Manifest, manifest_to_dict
from modelcote.core.runs import SYNC
from modelcote.core.runtimes import RUNTIMES
from modelcote.core.spec import COOLDOWN_S, TIMEOUT_S, ModelSpec, check_spec, default_python_version
from modelcote.sdk.client import Client
from modelcote.sdk.config import find_target
from modelcote.sdk.progress import Reporter, snippets
from modelcote.sdk.stages import read_flow, read_requirements
from modelcote.sdk.wire import to_plain


class Conduit:
    """A named flow of stages `(model_type, path[, processors])`, checked whole when it is made.

    `cpu` in whole vCPUs (1 to 32), `memory` in GB (2 to 256), `cooldown` and `timeout` in seconds; None leaves the
    size to the backend. `sample`: rows of your own that the compiled form must answer as the original does.
    `compile=False` serves the original; `trusted=True` lets pickles hold code of yours. `mode="async"` makes every
    predict call a run (docs/guides/runs.md). `endpoint` and `project` name
    the target, else the environment or a local cloud does (`modelcote.sdk.config`).

    Raises `InvalidSpec` naming the field and the rule, before anything is sent.
    """

    def __init__(
        self,
        name: str = "",
        api_key: str = "",
        flow: Any = (),
        hardware: Hardware | str | None = None,
        cpu: int | None = None,
        memory: float | None = None,
        python_version: str | None = None,
        requirements_file: str = "",
        cooldown: int = COOLDOWN_S,
        min_replicas: int | None = None,
        max_replicas: int | None = None,
        force_rebuild: bool | None = None,
        *,
        compile: bool = True,
        sample: Sequence[Any] | None = None,
        trusted: bool = False,
        timeout: int = TIMEOUT_S[2],
        mode: str = SYNC,
        endpoint: str = "",
        project: str = "",
        quiet: bool = False,
    ) -> None:
        parsed, self._paths = read_flow(flow)
        self.spec = check_spec(
            ModelSpec(
                name=name,
                flow=parsed,
                hardware=parse_hardware(hardware) if hardware is not None else Hardware.CPU,
                cpu=cpu,
                memory=memory,
                python_version=str(python_version) if python_version is not None else default_python_version(),
                requirements=read_requirements(requirements_file),
                cooldown=cooldown,
                min_replicas=min_replicas if min_replicas is not None else 0,
                max_replicas=max_replicas,
                timeout=timeout,
                mode=mode,
                compile=bool(compile),
                trusted=bool(trusted),
            )
        )
        # Every deploy is a new version and builds anew: there is nothing that could be left unbuilt.
        self.force_rebuild = bool(force_rebuild)
        self.sample = sample
        self._target = (api_key, endpoint, project)
        self._reporter = Reporter(quiet=quiet)
        self._predictor: Any = None

    @property
    def name(self) -> str:
        return self.spec.name

    def load(self, path: str = "./") -> Conduit:
        """Load the flow here, artifacts relative to `path`.

        Raises `InvalidSpec`, `InvalidBundle` and `VersionMismatch`.
        """
        from modelcote.serving.predictor import Predictor

        # The folder lives as long as the loaded flow: a library may read its file again.
        folder = Path(tempfile.mkdtemp(prefix="modelcote-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._stage(folder, Path(path))
        self._predictor = Predictor.from_folder(folder)
        return self

    def run(self, data: Any, files: Sequence[bytes] = ()) -> Any:
        """What the endpoint would answer as `result`, from this process; loads the flow first if need be."""
        if self._predictor is None:
            self.load()
        from modelcote.flow.result import dumps

        sent = orjson.loads(orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY, default=to_plain))
        return json.loads(dumps(self._predictor.run(sent, tuple(files))))

    def deploy(self, dry_run: bool = False, *, work_off: Callable[[], object] | None = None) -> Any:
        """The predict URL of a new version that serves; with `dry_run` nothing is sent and the loaded flow comes back.

        `work_off` is called once the request is queued, for targets where no deployer of their own waits. Raises what
        the target, the bundle, the control API or the build refuse.
        """
        if dry_run:
            return self.load()
        target = find_target(*self._target)
        say = self._reporter.say
        with tempfile.TemporaryDirectory(prefix="modelcote-") as scratch, Client(target) as client:
            folder = Path(scratch) / "bundle"
            folder.mkdir()
            manifest = self._prepare(folder)
            files = dict.fromkeys(self._paths) | ({COMPILED: None} if manifest.compiled is not None else {})
            bundle = make_bundle(
                self.spec, manifest, {name: folder / name for name in files}, Path(scratch) / "bundle.zip"
            )
            inspect_bundle(bundle.path, self.spec)
            made = client.create_version(self.spec, bundle.sha256, bundle.bytes)
            say(f"authenticated; this is version {made['version']} of {self.name}")
            with self._reporter.upload(bundle.bytes) as sent:
                client.upload(made["upload"], bundle.path, sent)
            accepted = client.deploy_version(self.name, made["version"])
            if work_off is not None:
                work_off()
            url = client.finish(accepted, say)
        say(f"endpoint: {url}")
        say(snippets(url))
        return url

    def _prepare(self, folder: Path) -> Manifest:
        """The bundle's content in `folder`, loaded once, compiled where it may be; the manifest that describes it."""
        manifest = self._stage(folder, Path())
        missing = [name for name in ("numpy", *RUNTIMES[manifest.flow.runtime].modules) if find_spec(name) is None]
        if missing:
            self._reporter.say(f"not loaded here, since {missing[0]} is not installed: the build loads and compiles it")
            return manifest
        from modelcote.flow.library_versions import library_versions
        from modelcote.flow.load import load_flow

        inputs = load_flow(folder, manifest).inputs
        manifest = replace(manifest, inputs=inputs.to_dict(), libraries=library_versions(manifest.flow, inputs))
        if not (self.spec.compile and manifest.flow.compilable):
            return manifest
        from modelcote.compile import compile_flow

        report = compile_flow(folder, manifest.flow, inputs, self.sample)
        self._reporter.say(f"{'compiled' if report.used else 'not compiled'}: {report.reason}")
        return replace(manifest, compiled=report.to_dict()) if report.used else manifest

    def _stage(self, folder: Path, base: Path) -> Manifest:
        manifest = Manifest(self.name, self.spec.flow, trusted=self.spec.trusted)
        for name, path in self._paths.items():
            source = base / path
            if not source.is_file():
                raise InvalidSpec(f"there is no file {source}.", "Give the path of a saved model.", field="flow")
            shutil.copyfile(source, folder / name)
        (folder / MANIFEST).write_text(json.dumps(manifest_to_dict(manifest)), encoding="utf-8")
        return manifest
