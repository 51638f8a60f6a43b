"""Inspecting a bundle before anything is built from it: zip rules, content against type, pickles, requirements."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from modelcote.bundle.onnx import check_onnx
from modelcote.bundle.pickles import inspect_pickle
from modelcote.bundle.read import opened, raw_manifest
from modelcote.bundle.requirements import MAX_BYTES, check_requirements
from modelcote.core.errors import InvalidBundle
from modelcote.core.flow import RULES, ModelType, Stage
from modelcote.core.manifest import COMPILED, REQUIREMENTS, Manifest, parse_manifest
from modelcote.core.spec import ModelSpec

# What one artifact may hold. A function's package has 250 MB, so a larger one could not be served from it.
MAX_ARTIFACT_BYTES = 512 * 1024**2


def inspect_bundle(path: Path, spec: ModelSpec | None = None) -> Manifest:
    """The manifest of a bundle that keeps every rule.

    `spec`: what the caller asked for; its flow must be the bundle's. Raises `InvalidBundle`, `UnsafePickle` and
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
            check_onnx(_read(archive, COMPILED), COMPILED, names)
        elif manifest.compiled is not None:
            raise InvalidBundle(f"the manifest promises {COMPILED}, which is not in the bundle.", "Deploy again.")
        if REQUIREMENTS in names:
            requirements_of(archive)
        return manifest


def requirements_of(archive: zipfile.ZipFile) -> tuple[str, ...]:
    """The lines of a bundle's `requirements.txt`; none where there is no such file. Raises `InvalidBundle`."""
    if REQUIREMENTS not in archive.namelist():
        return ()
    if archive.getinfo(REQUIREMENTS).file_size > MAX_BYTES:
        raise InvalidBundle(f"{REQUIREMENTS} is larger than {MAX_BYTES:,} bytes.", "Name fewer distributions.")
    try:
        return check_requirements(archive.read(REQUIREMENTS).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidBundle(f"{REQUIREMENTS} is not UTF-8 text.", "Save it as UTF-8.") from error


def _check_flow(manifest: Manifest, spec: ModelSpec) -> None:
    said = [(stage.model_type, PurePosixPath(stage.file).name) for stage in spec.flow.stages]
    held = [(stage.model_type, stage.file) for stage in manifest.flow.stages]
    if said != held:
        raise InvalidBundle("the bundle's flow is not the flow of the spec.", "Deploy with one flow for both.")
    if manifest.trusted and not spec.trusted:
        raise InvalidBundle("the bundle is marked trusted, the spec is not.", "Deploy with trusted=True.")


def _check_stage(archive: zipfile.ZipFile, stage: Stage, manifest: Manifest, names: set[str]) -> None:
    if "/" in stage.file or stage.file not in names:
        raise InvalidBundle(
            f"the bundle has no {ascii(stage.file)[:80]} at its root.", "Put every artifact beside conduit.json."
        )
    suffix = PurePosixPath(stage.file).suffix.lower()
    check = _CHECKS.get(suffix)
    if check is None:
        raise InvalidBundle(
            f"a {stage.model_type.name} artifact cannot be inspected.", "This version serves .pkl, .json and .onnx."
        )
    check(_read(archive, stage.file), stage, manifest, names)


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size == 0:
        raise InvalidBundle(f"{name} is empty.", "Save and upload the model again.")
    if info.file_size > MAX_ARTIFACT_BYTES:
        raise InvalidBundle(
            f"{name} is larger than {MAX_ARTIFACT_BYTES // 1024**2} MB.", "Train a smaller model, or export it to ONNX."
        )
    return archive.read(name)


def _check_pickle(data: bytes, stage: Stage, manifest: Manifest, _names: set[str]) -> None:
    inspect_pickle(data, RULES[stage.model_type].runtime, trusted=manifest.trusted)


def _check_xgboost(data: bytes, stage: Stage, _manifest: Manifest, _names: set[str]) -> None:
    wrong = InvalidBundle(f"{stage.file} is not an XGBoost model in JSON.", "Save it with `model.save_model(...)`.")
    try:
        model = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise wrong from error
    learner = model.get("learner") if isinstance(model, dict) else None
    if not isinstance(learner, dict) or not {"gradient_booster", "learner_model_param", "objective"} <= set(learner):
        raise wrong
    objective = str((learner["objective"] or {}).get("name", "")) if isinstance(learner["objective"], dict) else ""
    classifies = objective.startswith(("binary:", "multi:"))
    if objective and classifies != (stage.model_type is ModelType.XGBOOST_CLASSIFIER):
        raise InvalidBundle(
            f"{stage.file} has the objective {ascii(objective)[:40]}, which is no {stage.model_type.name}'s.",
            "Choose the other XGBoost model type.",
        )


def _check_onnx_stage(data: bytes, stage: Stage, _manifest: Manifest, names: set[str]) -> None:
    check_onnx(data, stage.file, names)


_CHECKS: dict[str, Callable[[bytes, Stage, Manifest, set[str]], Any]] = {
    ".pkl": _check_pickle,
    ".json": _check_xgboost,
    ".onnx": _check_onnx_stage,
}
