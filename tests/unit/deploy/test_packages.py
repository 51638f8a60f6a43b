"""Zips: the same bytes for the same inputs, with everything that their function imports."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcote.bundle.zips import tree, write_zip
from modelcote.core.digests import file_sha256
from modelcote.core.errors import DeployFailed
from modelcote.core.project import project_root
from modelcote.deploy.artifacts import layers
from modelcote.deploy.artifacts.layers import LAMBDA_BYTES, build_layer
from modelcote.deploy.artifacts.package import SERVING, build_package, platform_package, project_package, staged_code
from modelcote.deploy.artifacts.runtimes import committed
from tests.support.commands import run

PYTHON = Path(sys.executable)
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TOLD = "STACK REGISTRY_TABLE BUCKET DEPLOY_QUEUE_URL RUNS_TABLE RUNS_QUEUE_URL DELIVERIES_QUEUE_URL"


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True), st.binary(), max_size=6))
def test_equal_files_are_equal_zips(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    made = []
    for order in (sorted(files), sorted(files, reverse=True)):
        folder = tmp_path_factory.mktemp("zip")
        pairs = []
        for index, name in enumerate(order):
            path = folder / str(index)
            path.write_bytes(files[name])
            os.utime(path, (index, index))
            pairs.append((name, path))
        made.append(write_zip(folder / "out.zip", pairs))
    assert file_sha256(made[0]) == file_sha256(made[1])
    with zipfile.ZipFile(made[0]) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_a_zip_that_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_zip(tmp_path / "out.zip", [("a", tmp_path / "missing")])
    assert list(tmp_path.iterdir()) == []


def bundle(folder: Path) -> Path:
    folder.mkdir()
    (folder / "conduit.json").write_text("{}", encoding="utf-8")
    return folder


def test_a_package_is_reproducible_and_serves_without_the_rest(tmp_path: Path) -> None:
    first = build_package(bundle(tmp_path / "bundle"), tmp_path / "a.zip", PYTHON, tmp_path / "one")
    second = build_package(tmp_path / "bundle", tmp_path / "b.zip", PYTHON, tmp_path / "two")
    assert file_sha256(first) == file_sha256(second)
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "task")
    assert "bundle/conduit.json" in names
    assert {name.split("/")[1] for name in names if name.startswith("modelcote/") and name.count("/") > 1} >= set(
        SERVING
    )
    code = "import modelcote.serving.predictor as p; print(p.__file__, p.__cached__)"
    environment = {"PYTHONPATH": str(tmp_path / "task"), "PATH": os.defpath}
    source, cached = run(PYTHON, "-c", code, env=environment, cwd=tmp_path).stdout.split()
    assert source.startswith(str(tmp_path / "task"))
    assert cached.removeprefix(f"{tmp_path / 'task'}/") in names


def test_code_is_compiled_once_and_again_when_it_changes(tmp_path: Path) -> None:
    extra = tmp_path / "handlers"
    extra.mkdir()
    (extra / "one.py").write_text("a = 1", encoding="utf-8")
    first = staged_code(("core",), PYTHON, tmp_path / "work", [("handlers", extra)])
    assert staged_code(("core",), PYTHON, tmp_path / "work", [("handlers", extra)]) == first
    (extra / "one.py").write_text("a = 2", encoding="utf-8")
    assert staged_code(("core",), PYTHON, tmp_path / "work", [("handlers", extra)]) != first


def test_the_platforms_package_imports_by_itself(tmp_path: Path) -> None:
    archive = platform_package(tmp_path / "platform.zip", PYTHON)
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        opened.extractall(tmp_path / "task")
    handlers = {path.name for path in (project_root() / "handlers").glob("*.py")}
    assert {f"handlers/{name}" for name in handlers} <= set(names)
    assert not [name for name in names if name.startswith(("modelcote/deploy/", "modelcote/local/", "modelcote/cli/"))]
    environment = {
        **dict.fromkeys((f"MODELCOTE_{name}" for name in TOLD.split()), "x"),
        **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), "eu-west-1"),
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "x"),
        "PYTHONPATH": str(tmp_path / "task"),
        "MODELCOTE_PUBLIC_URL": "https://x",
        "MODELCOTE_STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:000000000000:stateMachine:long-run",
        "MODELCOTE_KEY_ARN": "arn:aws:kms:eu-west-1:000000000000:key/x",
    }
    for name in sorted(handlers):
        code = f"import handlers.{name.removesuffix('.py')} as h, modelcote; print(modelcote.__file__)"
        done = run(PYTHON, "-P", "-c", code, env=environment, cwd=tmp_path)
        assert done.stdout.startswith(str(tmp_path / "task"))


def test_the_projects_package_is_whole(tmp_path: Path) -> None:
    with zipfile.ZipFile(project_package(tmp_path / "project.zip")) as archive:
        names = set(archive.namelist())
    assert {"pyproject.toml", "Pulumi.yaml", "infra/program.py", "src/modelcote/deploy/__main__.py"} <= names
    assert {"handlers/gateway.py", "runtime-images/onnx/requirements.lock"} <= names
    assert not [name for name in names if "__pycache__" in name]


def test_a_layer_is_built_for_lambda_and_works(tmp_path: Path) -> None:
    """The onnx runtime: wheels for Lambda's platform, sources replaced by their compiled form, and the smoke test."""
    out = tmp_path / "layer.zip"
    size = build_layer(committed("onnx", VERSION), out, python=PYTHON)
    assert size < LAMBDA_BYTES * 0.6
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
        assert sum(row.file_size for row in archive.infolist()) == size
        archive.extractall(tmp_path / "opt")
    assert all(name.startswith("python/") for name in names)
    assert "python/onnxruntime/__init__.pyc" in names
    assert not [name for name in names if name.endswith((".py", ".pyi", ".h")) or "/tests/" in name]
    if sys.platform == "linux":
        smoke = project_root() / "runtime-images" / "onnx" / "smoke.py"
        code = f"import runpy; runpy.run_path({str(smoke)!r}, run_name='__main__')"
        run(PYTHON, "-P", "-S", "-c", code, env={"PYTHONPATH": str(tmp_path / "opt" / "python")})


def test_a_layer_with_lightgbm_has_openmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(_what: list[str], target: Path, *_: str) -> None:
        for name in ("lightgbm/basic.py", "scikit_learn.libs/libgomp-1a2b.so.1.0.0"):
            (target / name).parent.mkdir(parents=True)
            (target / name).write_text(name)

    monkeypatch.setattr(layers, "install", install)
    build_layer(committed("sklearn", VERSION), tmp_path / "layer.zip")
    with zipfile.ZipFile(tmp_path / "layer.zip") as archive:
        assert archive.read("lib/libgomp.so.1") == b"scikit_learn.libs/libgomp-1a2b.so.1.0.0"
        assert "python/lightgbm/basic.py" in archive.namelist()


def test_requirements_that_cannot_be_had_are_named(tmp_path: Path) -> None:
    with pytest.raises(DeployFailed, match="numpy"):
        build_layer(committed("onnx", VERSION, ("numpy==0.0.1",)), tmp_path / "layer.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_folders_tree_is_sorted(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).touch()
    assert [name for name, _ in tree(tmp_path, "x/")] == ["x/a", "x/b"]
