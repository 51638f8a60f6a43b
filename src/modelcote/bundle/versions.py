"""Serving with other library versions than a model was saved with: right, or refused with the remedy."""

from __future__ import annotations

from collections.abc import Mapping

from modelcote.core.errors import VersionMismatch
from modelcote.core.flow import RULES
from modelcote.core.manifest import Manifest

# How much of a version must be the same for a pickle to mean the same: scikit-learn and XGBoost promise nothing
# across minor versions (their own persistence pages say so), numpy changed its pickles with its major version.
_DIGITS = {"scikit-learn": 2, "xgboost": 2, "numpy": 1}


def check_versions(manifest: Manifest, runtime_versions: Mapping[str, str]) -> None:
    """Raises `VersionMismatch` where a pickle of this bundle would be loaded by other versions than saved it.

    `runtime_versions`: distribution -> version in the environment that will serve it, requirements included. A
    compiled bundle, an ONNX file and XGBoost's JSON are read by any version; a foreign bundle says nothing, and
    the loading library's own warning decides later.
    """
    if manifest.compiled is not None:
        return
    pickled = {RULES[stage.model_type].runtime for stage in manifest.flow.stages if stage.file.lower().endswith(".pkl")}
    wanted = {"sklearn": ("scikit-learn", "numpy"), "xgboost": ("xgboost", "scikit-learn", "numpy")}
    for name in dict.fromkeys(name for runtime in sorted(pickled) for name in wanted.get(runtime, ())):
        saved, served = manifest.libraries.get(name), runtime_versions.get(name)
        if saved and served and _head(saved, _DIGITS[name]) != _head(served, _DIGITS[name]):
            raise VersionMismatch(
                f"the model was saved with {name} {saved}, and its runtime has {served}.",
                f"Put `{name}=={saved}` into requirements_file, or train the model with {name} {served}.",
                library=name,
                saved=saved,
                served=served,
            )


def _head(version: str, digits: int) -> tuple[str, ...]:
    return tuple(version.split(".")[:digits])
