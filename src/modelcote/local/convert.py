"""Bringing a file over that was written before the oldest version that is served: loaded once, where it was written.

The file is inspected before anything loads it. uv makes an environment of its library's version, on a Python that
has wheels for it, and `runtime-images/old/convert.py` writes ONNX, or XGBoost's JSON, there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from modelcote.bundle.inspectors import Artifact, inspect_artifact
from modelcote.core.contents import ONNX, XGBOOST, content_of
from modelcote.core.errors import InvalidBundle, InvalidSpec, LocalCloudError
from modelcote.core.project import project_root
from modelcote.core.runtimes import LIBRARIES, ModelType
from modelcote.core.texts import shortened
from modelcote.local import runtimes

_SECONDS = 600
# By the newest version that it is for: the Python with wheels for it, and the libraries of its time. Before 1.24, numpy
# has the names that these versions use. There are no wheels of 0.21 for a Python that can still be installed.
_SKLEARN_PYTHONS = (("0.21.99", ""), ("0.23.99", "3.8"), ("0.24.99", "3.9"), ("1.1.2", "3.10"))
_SKLEARN_BESIDE = ("numpy<1.24", "scipy<1.11", "pandas<2", "skl2onnx", "onnx", "onnxruntime")
_XGBOOST_BESIDE = ("numpy<2", "scipy<1.11", "pandas<2", "scikit-learn<1.3", "setuptools<80")


@dataclass(frozen=True)
class Conversion:
    """What was written: `writer` and its Python, the new file, its model type, and on how many rows it was compared.

    `difference`: the largest, relative to the value where that is above 1. `input`: the name of an ONNX file's input.
    """

    writer: str
    python_version: str
    file: str
    model_type: str
    input: str
    rows: int
    difference: float


def convert(path: Path, out: Path | None = None, *, labels: bool = False) -> Conversion:
    """Convert an old file; `labels`: a classifier answers labels instead of probabilities.

    Raises `InvalidBundle` and `UnsafePickle` for what the inspection refuses or the old library cannot convert,
    `InvalidSpec` for a file that needs no conversion, and `LocalCloudError` where there is no such Python.
    """
    library, version = _writer(path)
    python_version, lines = _environment(library, version)
    target = out or path.with_suffix(".json" if library == "xgboost" else ".onnx")
    with tempfile.TemporaryDirectory(prefix="modelcote-convert-") as scratch:
        python = runtimes.plain_environment(Path(scratch) / "environment", python_version, lines)
        report = _run(python, path, Path(scratch) / target.name, labels)
        target.write_bytes((Path(scratch) / target.name).read_bytes())
    writer = f"{library} {version}"
    fields = (report[name] for name in ("type", "input", "rows", "difference"))
    return Conversion(writer, python_version, str(target), *fields)


def _writer(path: Path) -> tuple[str, str]:
    """Return the library that wrote the file, and its version."""
    if not path.is_file():
        raise InvalidSpec(f"the file {path} does not exist.", "Give the path of a saved model.", field="file")
    data = path.read_bytes()
    if content_of(data[:512]) in (XGBOOST, ONNX):
        raise InvalidSpec(f"{path.name} is read by any later version.", "Deploy it as it is.", field="file")
    needs = inspect_artifact(Artifact(path.name, data, ModelType.SKLEARN))
    for library in ("xgboost", "scikit-learn"):
        version = needs.get(library, "").removeprefix("==")
        if version and version[0].isdigit():
            if Version(version) >= Version(LIBRARIES[library].oldest):
                raise InvalidSpec(
                    f"{path.name} was written by {library} {version}.", "Deploy it as it is.", field="file"
                )
            return library, version
    raise InvalidBundle(f"{path.name} does not say which version wrote it.", "Deploy it as it is, or train it again.")


def _environment(library: str, version: str) -> tuple[str, list[str]]:
    if library == "xgboost":
        return f"{sys.version_info.major}.{sys.version_info.minor}", [f"xgboost=={version}", *_XGBOOST_BESIDE]
    newest = next((row for row in _SKLEARN_PYTHONS if Version(version) <= Version(row[0])), ("", ""))
    if not newest[1]:
        raise InvalidBundle(
            f"scikit-learn {version} has no wheels for a Python that can still be installed.", "Train the model again."
        )
    return newest[1], [f"scikit-learn=={version}", *_SKLEARN_BESIDE]


def _run(python: Path, path: Path, target: Path, labels: bool) -> dict[str, Any]:
    script = project_root() / "runtime-images" / "old" / "convert.py"
    command = [str(python), "-I", str(script), str(path.resolve()), str(target), "labels" if labels else "shares"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(target.parent), "LANG": "C.UTF-8"}
    try:
        ended = subprocess.run(  # noqa: S603 (an interpreter of ours, with a file that was inspected)
            command, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        report = json.loads(ended.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise LocalCloudError("the conversion took too long.", "Train the model again, with fewer trees.") from error
    except (IndexError, ValueError) as error:
        raise InvalidBundle(
            f"{path.name} ended the process that loaded it: {shortened(ended.stderr, 400)}", "Train the model again."
        ) from error
    if "error" in report:
        raise InvalidBundle(f"{path.name} cannot be converted: {report['error']}.", "Train the model again.")
    return dict(report)
