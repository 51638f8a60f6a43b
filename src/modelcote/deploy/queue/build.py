"""Build one version: fetch and check its bundle, compile it if possible, load it once, package it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelcote.bundle.inspect import inspect_bundle
from modelcote.bundle.read import unpack
from modelcote.bundle.versions import check_versions, needs_of, never_compiled, written_by
from modelcote.core.digests import as_base64, file_sha256
from modelcote.core.errors import DeployFailed, InvalidBundle
from modelcote.core.manifest import MANIFEST, SAMPLE, Manifest, manifest_to_dict
from modelcote.core.objects import package_key
from modelcote.core.snapshot import Package
from modelcote.core.spec import ModelSpec
from modelcote.deploy.artifacts.package import COMPILER, SERVING, build_package, staged_code
from modelcote.deploy.artifacts.provider import RuntimeProvider
from modelcote.deploy.artifacts.recipes import compiling, serving
from modelcote.deploy.queue.isolated import run_step
from modelcote.registry import outcomes, versions
from modelcote.registry.records import Deploy, Version
from modelcote.registry.store import Registry

Say = Callable[[str], None]


def build(deploy: Deploy, registry: Registry, runtimes: RuntimeProvider, work: Path, say: Say) -> None:
    """Build the deploy's version and record its package; raises a `ModelcoteError` for what cannot be served."""
    version = versions.get(registry, deploy.project, deploy.model, deploy.version)
    spec = version.spec
    with tempfile.TemporaryDirectory(prefix="modelcote-build-") as scratch:
        folder = Path(scratch) / "bundle"
        path = Path(scratch) / "bundle.zip"
        _fetch(version, registry, path, folder)
        manifest = _compiled(inspect_bundle(path), spec, folder, runtimes, work, say)
        # The gate's rows are not served.
        (folder / SAMPLE).unlink(missing_ok=True)
        runtime = runtimes.lock(serving(manifest, spec))
        check_versions(manifest, runtime.versions())
        python, layer = runtimes.python_for(runtime), runtimes.layer_for(runtime)
        if runtime.python_version != spec.python_version:
            say(f"served with Python {runtime.python_version}: its libraries have no wheels for {spec.python_version}")
        described = run_step(python, staged_code(SERVING, python, work), "modelcote.serving.check", folder)
        if manifest.compiled is None and manifest.inputs != described:
            _write(replace(manifest, inputs=described), folder)
        say(f"loads in the runtime {layer.key}{_with(manifest)}")
        package = build_package(folder, Path(scratch) / "package.zip", python, work)
        sha256 = file_sha256(package)
        key = package_key(version.project, version.name, version.version, sha256)
        registry.s3.upload_file(str(package), registry.bucket, key)
        say(f"packaged: {package.stat().st_size / 1e6:.1f} MB")
        built = Package(as_base64(sha256), key, (layer.key,))
        outcomes.mark_built(registry, deploy, built, manifest.runtime, _report(manifest), described)


def _fetch(version: Version, registry: Registry, path: Path, folder: Path) -> None:
    registry.s3.download_file(registry.bucket, version.bundle_key, str(path))
    if file_sha256(path) != version.bundle_sha256:
        raise InvalidBundle("the stored bundle is not the one that was inspected.", "Deploy it again.")
    unpack(path, folder)


def _compiled(
    manifest: Manifest, spec: ModelSpec, folder: Path, runtimes: RuntimeProvider, work: Path, say: Say
) -> Manifest:
    """Compile the flow if it can be, with the libraries that wrote its files; return the folder's manifest then."""
    if manifest.compiled is not None:
        say(f"compiled by the client: {manifest.compiled.get('reason', '')}")
        return manifest
    if not spec.compile or not manifest.flow.compilable or manifest.trusted or manifest.inputs is not None:
        # Our own client has tried already, and has logged the outcome.
        return manifest
    if reason := never_compiled(manifest):
        say(f"not compiled: {reason}")
        return manifest
    writer = written_by(needs_of(manifest))
    try:
        runtime = runtimes.lock(compiling(manifest, spec))
    except DeployFailed as error:
        say(f"not compiled: {error.detail}")
        return manifest
    python = runtimes.python_for(runtime)
    report = run_step(python, staged_code(COMPILER, python, work), "modelcote.compile", folder)
    say(_outcome(report, writer))
    if not report["used"]:
        return manifest
    compiled = replace(manifest, compiled=report, inputs=report["inputs"])
    _write(compiled, folder)
    return compiled


def _write(manifest: Manifest, folder: Path) -> None:
    (folder / MANIFEST).write_text(json.dumps(manifest_to_dict(manifest)), encoding="utf-8")


def _outcome(report: Mapping[str, Any], writer: str) -> str:
    by = f"written by {writer}; " if writer else ""
    if report["used"]:
        return f"{by}compiled{' there' if by else ''}: {report['reason']}{'; served without it' if by else ''}"
    return f"{by}not compiled: {report['reason'].removeprefix('not compiled: ')}"


def _with(manifest: Manifest) -> str:
    """Return what the log says of the versions that serve the original."""
    writer = written_by(needs_of(manifest))
    return f", with {writer}, which wrote it" if writer else ""


def _report(manifest: Manifest) -> dict[str, Any] | None:
    return dict(manifest.compiled) if manifest.compiled is not None else None
