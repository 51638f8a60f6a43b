"""Inspecting a bundle before anything is built from it: zip rules, each artifact by its runtime, requirements."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from modelcote.bundle.inspectors import Artifact, inspect_artifact
from modelcote.bundle.read import opened, raw_manifest
from modelcote.bundle.requirements import MAX_BYTES, check_requirements
from modelcote.core.errors import InvalidBundle
from modelcote.core.flow import Stage
from modelcote.core.manifest import COMPILED, REQUIREMENTS, Manifest, parse_manifest
from modelcote.core.runtimes import ModelType
from modelcote.core.spec import ModelSpec

# The largest artifact. A function's package has 250 MB, so a larger one could not be served from it.
MAX_ARTIFACT_BYTES = 512 * 1024**2


def inspect_bundle(path: Path, spec: ModelSpec | None = None) -> Manifest:
    """Inspect a bundle and return its manifest.

    `spec`: the caller's; its flow must be the bundle's. Raises `InvalidBundle`, `UnsafePickle` and
    `InvalidSpec`. Nothing is unpickled and nothing is written.
    """
    with opened(path) as archive:
        manifest = parse_manifest(raw_manifest(archive))
        if spec is not None:
            _check_flow(manifest, spec)
        names = set(archive.namelist())
        for stage in manifest.flow.stages:
            _check_stage(archive, stage, manifest, names)
        if COMPILED in names:
            inspect_artifact(Artifact(COMPILED, _read(archive, COMPILED), ModelType.ONNX, names))
        elif manifest.compiled is not None:
            raise InvalidBundle(f"the manifest promises {COMPILED}, which is not in the bundle.", "Deploy again.")
        requirements_of(archive)
        return manifest


def requirements_of(archive: zipfile.ZipFile) -> tuple[str, ...]:
    """Return the lines of a bundle's `requirements.txt`; none where there is no such file. Raises `InvalidBundle`."""
    if REQUIREMENTS not in archive.namelist():
        return ()
    if archive.getinfo(REQUIREMENTS).file_size > MAX_BYTES:
        raise InvalidBundle(f"{REQUIREMENTS} is larger than {MAX_BYTES:,} bytes.", "Name fewer distributions.")
    try:
        return check_requirements(archive.read(REQUIREMENTS).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidBundle(f"{REQUIREMENTS} is not UTF-8 text.", "Save it as UTF-8.") from error


def _check_flow(manifest: Manifest, spec: ModelSpec) -> None:
    declared = [(stage.model_type, PurePosixPath(stage.file).name) for stage in spec.flow.stages]
    held = [(stage.model_type, stage.file) for stage in manifest.flow.stages]
    if declared != held:
        raise InvalidBundle("the bundle's flow is not the flow of the spec.", "Deploy with one flow for both.")
    if manifest.trusted and not spec.trusted:
        raise InvalidBundle("the bundle is marked trusted, the spec is not.", "Deploy with trusted=True.")


def _check_stage(archive: zipfile.ZipFile, stage: Stage, manifest: Manifest, names: set[str]) -> None:
    if "/" in stage.file or stage.file not in names:
        raise InvalidBundle(
            f"the bundle has no {ascii(stage.file)[:80]} at its root.", "Put every artifact beside conduit.json."
        )
    data = _read(archive, stage.file)
    inspect_artifact(Artifact(stage.file, data, stage.model_type, names, manifest.trusted))


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size == 0:
        raise InvalidBundle(f"{name} is empty.", "Save and upload the model again.")
    if info.file_size > MAX_ARTIFACT_BYTES:
        raise InvalidBundle(
            f"{name} is larger than {MAX_ARTIFACT_BYTES // 1024**2} MB.", "Train a smaller model, or export it to ONNX."
        )
    return archive.read(name)
