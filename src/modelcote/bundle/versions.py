"""Serving with other library versions than a model was saved with: right, or refused with the remedy."""

from __future__ import annotations

from collections.abc import Mapping

from modelcote.core.errors import VersionMismatch
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import RUNTIMES


def check_versions(manifest: Manifest, runtime_versions: Mapping[str, str]) -> None:
    """Raise `VersionMismatch` where a file of this bundle would be loaded by other versions than saved it.

    `runtime_versions`: distribution -> version in the environment that will serve it, requirements included. A
    compiled bundle, an ONNX file and XGBoost's JSON are read by any version; a foreign bundle says nothing, and
    the loading library's own warning decides later.
    """
    if manifest.compiled is not None:
        return
    for stage in manifest.flow.stages:
        runtime = RUNTIMES[stage.model_type.runtime]
        for library in runtime.libraries if stage.file.lower().endswith(runtime.version_bound) else ():
            name = library.distribution
            saved, served = manifest.libraries.get(name, ""), runtime_versions.get(name, "")
            # A distribution that either side lacks does not decide.
            if not (saved and served) or _leading(saved, library.digits) == _leading(served, library.digits):
                continue
            raise VersionMismatch(
                f"the model was saved with {name} {saved}, and its runtime has {served}.",
                f"Put `{name}=={saved}` into requirements_file, or train the model with {name} {served}.",
                library=name,
                saved=saved,
                served=served,
            )


def _leading(version: str, digits: int) -> list[str]:
    return version.split(".")[:digits]
