"""Files that other versions wrote: deployed as they are, they answer as in the environment that wrote them.

`make versions` runs all of them (`MODELCOTE_VERSIONS=1`), the ordinary tests two files of one version.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelcote.bundle.make import make_bundle
from modelcote.core.flow import parse_flow
from modelcote.core.manifest import Manifest
from modelcote.core.objects import bundle_key
from modelcote.core.spec import ModelSpec, default_python_version
from modelcote.deploy.artifacts.recipes import serving
from modelcote.deploy.queue.consume import consume
from modelcote.local import runtimes
from modelcote.registry import deploys, versions
from modelcote.registry.store import Registry
from tests.emulator.deploy.deploying import Engine

PROJECT = "demo"
TRAIN = Path(__file__).with_name("train.py")
VERSIONS = {
    "scikit-learn": ("1.2.2", "1.1.3", "1.3.2", "1.4.2", "1.5.2", "1.6.1", "1.7.2", "1.8.0"),
    "xgboost": ("1.7.6", "2.0.3", "2.1.4", "3.0.5"),
    "lightgbm": ("3.3.5", "4.3.0", "4.6.0", "4.7.0"),
}
ALL = bool(os.environ.get("MODELCOTE_VERSIONS"))
CASES = [(library, version) for library, texts in VERSIONS.items() for version in texts][: None if ALL else 1]
# One that is compiled and one that is served by the library that wrote it.
FEW = ("forest", "neighbours")
# With the serving code of one package and the environment of its layer: all rows, and each by itself.
ANSWER = """
import json, sys
from pathlib import Path
from modelcote.serving.predictor import Predictor
for task in json.load(sys.stdin):
    predictor, rows = Predictor.from_folder(Path(task["package"], "bundle")), task["rows"]
    print(json.dumps([json.loads(predictor.predict({"data": data})) for data in (rows, *([row] for row in rows))]))
"""


def trained(library: str, version: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Train in an environment of that version; return what it wrote, by file."""
    kind = "xgboost_classifier" if library == "xgboost" else "sklearn"
    manifest = Manifest("m", parse_flow([[kind, "m.pkl"]]), needs={library: f"=={version}"})
    spec = ModelSpec("m", manifest.flow, python_version=default_python_version())
    python = runtimes.python_for(runtimes.lock(serving(manifest, spec)))
    subprocess.run([python, "-W", "ignore", str(TRAIN), str(folder), library], check=True)
    shapes: dict[str, dict[str, Any]] = json.loads((folder / "shapes.json").read_text())
    return {file: shape for file, shape in shapes.items() if ALL or file.startswith(FEW)}


def requested(registry: Registry, name: str, shape: dict[str, Any], folder: Path) -> str:
    """Store a bundle that nothing here has loaded, as control does, and request its deploy."""
    flow = parse_flow([[shape["type"], shape["file"]]])
    spec = ModelSpec(name, flow, python_version=default_python_version())
    info = make_bundle(spec, Manifest(name, flow), {shape["file"]: folder / shape["file"]}, folder / "bundle.zip")
    version, _ = versions.create(registry, PROJECT, spec, info.sha256, info.bytes)
    registry.s3.upload_file(str(info.path), registry.bucket, bundle_key(PROJECT, name, version.version))
    versions.mark_uploaded(registry, version, info.sha256, info.bytes)
    return deploys.request(registry, PROJECT, name, version.version, "deploy").deploy_id


def answers(registry: Registry, engine: Engine, rows: dict[str, list[Any]], folder: Path) -> dict[str, list[Any]]:
    """Return what each package answers to its rows in the environment of its layer, one process per environment."""
    packages = {model.name: model.package for model in engine.runs[-1].models}
    said: dict[str, list[Any]] = {}
    for key in {packages[name].layers[0] for name in rows}:
        names = [name for name in rows if packages[name].layers[0] == key]
        for name in names:
            registry.s3.download_file(registry.bucket, packages[name].s3_key, str(folder / "package.zip"))
            with zipfile.ZipFile(folder / "package.zip") as archive:
                archive.extractall(folder / name)
        python = Path(runtimes.layer_of(key).archive) / "bin" / "python"
        tasks = [{"package": str(folder / name), "rows": rows[name]} for name in names]
        command, where = [str(python), "-c", ANSWER], folder / names[0]
        ended = subprocess.run(command, input=json.dumps(tasks), capture_output=True, text=True, cwd=where, check=True)
        said |= {name: json.loads(line) for name, line in zip(names, ended.stdout.splitlines(), strict=True)}
    return said


@pytest.mark.parametrize(("library", "version"), CASES)
def test_files_answer_as_where_they_were_written(
    library: str, version: str, registry: Registry, tmp_path: Path
) -> None:
    shapes = trained(library, version, tmp_path)
    names = {file: file.replace(".", "-") for file in shapes}
    requests = {file: requested(registry, names[file], shape, tmp_path) for file, shape in shapes.items()}
    engine = Engine()
    while consume(registry, engine, runtimes, stack="dev"):
        pass
    outcomes = {}
    for file in shapes:
        lines = [line.text for line in deploys.status(registry, PROJECT, requests[file]).lines]
        assert deploys.get(registry, PROJECT, requests[file]).state == "SUCCEEDED", lines
        outcomes[file] = next(line for line in lines if "compiled" in line)
        # LightGBM's files do not tell its version.
        told = file.endswith(".pkl") and library != "lightgbm"
        assert (f"{library} {version}" in outcomes[file]) == told, lines
    said = answers(registry, engine, {names[file]: shape["rows"] for file, shape in shapes.items()}, tmp_path)
    unequal = [file for file, shape in shapes.items() if not _equal(said[names[file]], shape["answer"])]
    compiled = [file for file, line in outcomes.items() if "not compiled" not in line]
    counts = f"{len(shapes)} files, {len(compiled)} compiled, {len(shapes) - len(compiled)} served by their library"
    print(f"{library} {version}: {counts}, {len(unequal)} unequal", *outcomes.items(), sep="\n  ")
    assert not unequal
    assert bool(compiled) == (library != "lightgbm")


def _equal(said: list[Any], answer: list[Any]) -> bool:
    together, *alone = said
    results = together["result"], [one["result"][0] for one in alone]
    return all(np.allclose(result, answer, rtol=1e-5, atol=1e-5) for result in results)
