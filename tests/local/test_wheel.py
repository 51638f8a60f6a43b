"""The wheel works alone: installed into an empty environment, used from an empty folder."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
import uv

from tests.local.test_versions import constant_model
from tests.support.commands import run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_carries_the_program_and_the_runtimes(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    carried = {
        "modelcote/_project/Pulumi.yaml",
        "modelcote/_project/infra/program.py",
        "modelcote/_project/handlers/gateway.py",
        "modelcote/_project/runtime-images/sklearn/requirements.lock",
    }
    assert carried <= names
    assert not [name for name in names if name.startswith(("tests", "modelcote/_project/tests"))]


@pytest.mark.local
def test_a_model_is_deployed_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    ours = ("PYTHON", "VIRTUAL_ENV", "MODELCOTE_URL", "MODELCOTE_API_KEY", "MODELCOTE_PROJECT", "MODELCOTE_HOME")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}

    def here(*command: str) -> str:
        return run(*command, cwd=tmp_path, env=environment).stdout

    tool, cote = uv.find_uv_bin(), str(tmp_path / "env" / "bin" / "cote")
    here(tool, "venv", "--quiet", "--python", sys.executable, "env")
    here(tool, "pip", "install", "--quiet", "--python", "env/bin/python", f"modelcote[local] @ {wheel.as_uri()}")
    try:
        started = json.loads(here(cote, "local", "up", "--json"))
        assert started["url"].startswith("http://127.0.0.1:")
        model = constant_model(tmp_path, 3)
        here(cote, "deploy", str(model), "--name", "alone", "--type", "SKLEARN")
        assert json.loads(here(cote, "predict", "alone", "[[1.0]]", "--json"))["result"] == [3.0]
    finally:
        here(cote, "local", "down")
