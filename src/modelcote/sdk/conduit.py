"""`Conduit`: a flow that runs in this process, and that `deploy()` turns into an endpoint."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from modelcote.bundle.inspect import inspect_stages
from modelcote.bundle.make import make_bundle
from modelcote.bundle.versions import needs_of, never_compiled
from modelcote.core.errors import InvalidSpec
from modelcote.core.hardware import Hardware, parse_hardware
from modelcote.core.inputs import FRAME, plain_categories
from modelcote.core.manifest import COMPILED, MANIFEST, SAMPLE, Manifest, manifest_to_dict
from modelcote.core.runs import SYNC
from modelcote.core.spec import COOLDOWN_S, TIMEOUT_S, ModelSpec, check_spec, default_python_version
from modelcote.sdk.answers import Accepted
from modelcote.sdk.client import Client
from modelcote.sdk.config import find_target
from modelcote.sdk.progress import Reporter, snippets
from modelcote.sdk.requirement_files import read_requirements
from modelcote.sdk.stages import read_flow
from modelcote.sdk.wire import plain


class Conduit:
    """A named flow of stages `(model_type, path[, processors])`, checked as a whole by the constructor.

    `cpu` in whole vCPUs (1 to 32), `memory` in GB (2 to 256), `cooldown` and `timeout` in seconds; None leaves the
    size to the backend. `sample`: your own rows, which the compiled form must answer as the original does; a DataFrame
    or an array also says of which dtypes the model's inputs are. `categories`: those of pandas' category columns, by
    column, in the order of training, for XGBoost files of before 3.1, which do not hold them.
    `compile=False` serves the original; `trusted=True` allows your own code in pickles. `mode="async"` makes every
    predict call a run (docs/guides/runs.md). `force_rebuild` changes nothing: every deploy builds a new version.
    `endpoint` and `project` name the target; by default the environment or a local cloud does (`modelcote.sdk.config`).

    Raises `InvalidSpec`, which names the field and its rule, before anything is sent.
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
        force_rebuild: bool | None = None,  # noqa: ARG002  the interface's own argument
        *,
        compile: bool = True,
        sample: Any = None,
        categories: Mapping[str, Sequence[Any]] | None = None,
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
        self.sample, self._hints = _inputs_of(sample, categories)
        self._target = (api_key, endpoint, project)
        self._reporter = Reporter(quiet=quiet)
        self._predictor: Any = None

    @property
    def name(self) -> str:
        return self.spec.name

    def load(self, path: str = "./") -> Conduit:
        """Load the flow in this process, artifacts relative to `path`.

        Raises `InvalidSpec`, `InvalidBundle` and `VersionMismatch`.
        """
        from modelcote.sdk.here import check_here
        from modelcote.serving.predictor import Predictor

        # The folder is kept as long as the loaded flow: a library may read its file again.
        folder = Path(tempfile.mkdtemp(prefix="modelcote-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        check_here(self._stage(folder, Path(path)))
        self._predictor = Predictor.from_folder(folder)
        return self

    def run(self, data: Any, files: Sequence[bytes] = ()) -> Any:
        """Run the flow in this process and return what the endpoint would answer as `result`; load it if necessary."""
        if self._predictor is None:
            self.load()
        from modelcote.flow.result import dumps

        return json.loads(dumps(self._predictor.run(plain(data), tuple(files))))

    def deploy(self, dry_run: bool = False) -> Any:
        """Deploy a new version and return its predict URL once it serves.

        With `dry_run` nothing is sent: the flow is loaded here and the Conduit itself returned. Raises what the bundle,
        the control API or the build reject.
        """
        if dry_run:
            return self.load()
        with Client(find_target(*self._target)) as client:
            return self.finish_deploy(client, self.request_deploy(client))

    def request_deploy(self, client: Client) -> Accepted:
        """Upload a new version and queue its deploy; `finish_deploy` follows the answer."""
        say = self._reporter.say
        with tempfile.TemporaryDirectory(prefix="modelcote-") as scratch:
            folder = Path(scratch) / "bundle"
            folder.mkdir()
            manifest = self._prepare(folder)
            names = [*self._paths, *([COMPILED] if manifest.compiled is not None else [])]
            if self.sample is not None and manifest.inputs is None:
                # The build's gate compares them instead of this process's.
                rows = (orjson.dumps(plain(row)) for row in self.sample)
                (folder / SAMPLE).write_bytes(b"\n".join(rows))
                names.append(SAMPLE)
            files = {name: folder / name for name in names}
            bundle = make_bundle(self.spec, manifest, files, Path(scratch) / "bundle.zip")
            version = client.create_version(self.spec, bundle.sha256, bundle.bytes)
            say(f"authenticated; this is version {version['version']} of {self.name}")
            with self._reporter.upload(bundle.bytes) as sent:
                client.upload(version["upload"], bundle.path, sent)
        return client.deploy_version(self.name, version["version"])

    def finish_deploy(self, client: Client, accepted: Accepted) -> str:
        """Follow a deploy to its end, print its log, and return the predict URL."""
        url = client.finish(accepted, self._reporter.say)
        self._reporter.say(f"endpoint: {url}\n{snippets(url)}")
        return url

    def _prepare(self, folder: Path) -> Manifest:
        """Put the bundle's content into `folder`: inspected, then loaded and compiled where its versions are.

        Returns its manifest. The build does what this process cannot.
        """
        from modelcote.sdk.here import why_not_here

        manifest = self._stage(folder, Path())
        reason = why_not_here(manifest)
        if reason:
            self._reporter.say(reason)
            return manifest
        from modelcote.flow.library_versions import library_versions
        from modelcote.flow.load import load_flow

        inputs = load_flow(folder, manifest).inputs
        names = [*needs_of(manifest), *(["pandas"] if inputs.kind == FRAME else [])]
        manifest = replace(manifest, inputs=inputs.to_dict(), libraries=library_versions(names))
        if not (self.spec.compile and manifest.flow.compilable):
            return manifest
        if reason := never_compiled(manifest):
            self._reporter.say(f"not compiled: {reason}")
            return manifest
        from modelcote.compile import compile_flow

        report = compile_flow(folder, manifest.flow, inputs, self.sample)
        self._reporter.say(f"{'compiled' if report.used else 'not compiled'}: {report.reason}")
        return replace(manifest, compiled=report.to_dict()) if report.used else manifest

    def _stage(self, folder: Path, base: Path) -> Manifest:
        """Copy the artifacts into `folder` and inspect them; nothing is loaded."""
        manifest = Manifest(self.name, self.spec.flow, trusted=self.spec.trusted, hints=self._hints)
        for name, path in self._paths.items():
            source = base / path
            if not source.is_file():
                raise InvalidSpec(f"the file {source} does not exist.", "Give the path of a saved model.", field="flow")
            shutil.copyfile(source, folder / name)
        # Before anything is loaded: a pickle runs the code that it names.
        manifest = inspect_stages(manifest, set(self._paths), lambda name: (folder / name).read_bytes())
        (folder / MANIFEST).write_text(json.dumps(manifest_to_dict(manifest)), encoding="utf-8")
        return manifest


def _inputs_of(sample: Any, categories: Mapping[str, Sequence[Any]] | None) -> tuple[Sequence[Any] | None, Any]:
    """Return a sample's rows and, as plain JSON values, what it and the categories say of a model's inputs."""
    hints: dict[str, Any] = {"categories": plain_categories(categories)} if categories else {}
    if sample is None or isinstance(sample, list | tuple):
        return sample, hints or None
    from modelcote.flow.samples import inputs_of, sample_rows

    return sample_rows(sample), {**hints, "inputs": inputs_of(sample).to_dict()}
