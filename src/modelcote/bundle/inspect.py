"""Inspecting a bundle before anything is built from it: zip rules, each artifact by its runtime, requirements."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Set
from dataclasses import replace
from pathlib import Path, PurePosixPath

from modelcote.bundle.inspectors import Artifact, inspect_artifact
from modelcote.bundle.read import opened, raw_manifest
from modelcote.bundle.requirements import MAX_BYTES, check_requirements, decode_requirements
from modelcote.bundle.versions import check_writers
from modelcote.bundle.written import merged
from modelcote.core.errors import InvalidBundle, VersionMismatch
from modelcote.core.flow import Stage
from modelcote.core.manifest import COMPILED, REQUIREMENTS, SAMPLE, Manifest, parse_manifest
from modelcote.core.runtimes import ModelType
from modelcote.core.spec import ModelSpec
from modelcote.core.texts import quoted

# The largest artifact. A function's package has 250 MB, so a larger one could not be served from it.
MAX_ARTIFACT_BYTES = 512 * 1024**2
MAX_SAMPLE_BYTES = 16 * 1024**2


def inspect_bundle(path: Path, spec: ModelSpec | None = None) -> Manifest:
    """Inspect a bundle and return its manifest, with the needs of its files.

    `spec`: the caller's; its flow must be the bundle's. Raises `InvalidBundle`, `UnsafePickle`, `VersionMismatch`
    and `InvalidSpec`. Nothing is unpickled and nothing is written.
    """
    with opened(path) as archive:
        manifest = parse_manifest(raw_manifest(archive))
        if spec is not None:
            _check_flow(manifest, spec)
        names = set(archive.namelist())
        manifest = inspect_stages(manifest, names, lambda name: _read(archive, name))
        if COMPILED in names:
            inspect_artifact(Artifact(COMPILED, _read(archive, COMPILED), ModelType.ONNX, names))
        elif manifest.compiled is not None:
            raise InvalidBundle(f"the manifest promises {COMPILED}, which is not in the bundle.", "Deploy again.")
        if SAMPLE in names:
            _check_sample(archive)
        requirements_of(archive)
        return manifest


def inspect_stages(manifest: Manifest, names: Set[str], read: Callable[[str], bytes]) -> Manifest:
    """Inspect the artifact of every stage; return the manifest with their needs.

    `names`: the files beside the manifest; `read`: a name's content. Raises `InvalidBundle`, `UnsafePickle` and
    `VersionMismatch`.
    """
    needs = merged(_inspect_stage(stage, manifest, names, read) for stage in manifest.flow.stages)
    for name, specifier in needs.items():
        if specifier.count("==") > 1:
            raise VersionMismatch(
                f"the flow's files were written by several versions of {name}: {specifier.replace('==', '')}.",
                "Load them with one version, and save them again.",
                library=name,
            )
    return replace(manifest, needs=needs)


def requirements_of(archive: zipfile.ZipFile) -> tuple[str, ...]:
    """Return the lines of a bundle's `requirements.txt`; none where there is no such file. Raises `InvalidBundle`."""
    if REQUIREMENTS not in archive.namelist():
        return ()
    if archive.getinfo(REQUIREMENTS).file_size > MAX_BYTES:
        raise InvalidBundle(f"{REQUIREMENTS} is larger than {MAX_BYTES:,} bytes.", "Name fewer distributions.")
    return check_requirements(decode_requirements(archive.read(REQUIREMENTS)))


def _check_flow(manifest: Manifest, spec: ModelSpec) -> None:
    declared = [(stage.model_type, PurePosixPath(stage.file).name) for stage in spec.flow.stages]
    held = [(stage.model_type, stage.file) for stage in manifest.flow.stages]
    if declared != held:
        raise InvalidBundle("the bundle's flow is not the flow of the spec.", "Deploy with one flow for both.")
    if manifest.trusted and not spec.trusted:
        raise InvalidBundle("the bundle is marked trusted, the spec is not.", "Deploy with trusted=True.")


def _inspect_stage(stage: Stage, manifest: Manifest, names: Set[str], read: Callable[[str], bytes]) -> dict[str, str]:
    if "/" in stage.file or stage.file not in names:
        raise InvalidBundle(
            f"the bundle has no {quoted(stage.file, 80)} at its root.", "Put every artifact beside conduit.json."
        )
    needs = inspect_artifact(Artifact(stage.file, read(stage.file), stage.model_type, names, manifest.trusted))
    check_writers(stage.file, needs)
    return needs


def _check_sample(archive: zipfile.ZipFile) -> None:
    if archive.getinfo(SAMPLE).file_size > MAX_SAMPLE_BYTES:
        raise InvalidBundle(f"{SAMPLE} is larger than {MAX_SAMPLE_BYTES // 1024**2} MB.", "Give fewer rows as sample.")
    try:
        for line in archive.read(SAMPLE).splitlines():
            json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidBundle(f"{SAMPLE} is not one JSON value a line.", "Deploy the model again.") from error


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > MAX_ARTIFACT_BYTES:
        raise InvalidBundle(
            f"{name} is larger than {MAX_ARTIFACT_BYTES // 1024**2} MB.", "Train a smaller model, or export it to ONNX."
        )
    return archive.read(name)
