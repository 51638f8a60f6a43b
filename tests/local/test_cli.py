"""`cote` from a shell: every command, its JSON, and its errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.local.cloud import Cloud
from tests.local.test_versions import constant_model
from tests.support.commands import run

pytestmark = pytest.mark.local


class Shell:
    """Runs `cote` as a user's shell would, with only the three variables that `cote local env` sets."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **cloud.environment}

    def run(self, *words: str, status: int | None = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "modelcote.cli", *words)
        return run(*command, status=status, cwd=self.folder, env=self.environment, input=stdin)

    def json(self, *words: str, stdin: str = "") -> Any:
        return json.loads(self.run(*words, "--json", stdin=stdin).stdout)


@pytest.fixture
def shell(cloud: Cloud, tmp_path: Path) -> Shell:
    return Shell(cloud, tmp_path)


def test_the_life_of_a_model(shell: Shell, tmp_path: Path) -> None:
    for value in (1, 2):
        model = constant_model(tmp_path, value)
        deployed = shell.json("deploy", str(model), "--name", "shell", "--type", "SKLEARN")
        assert deployed["predict_url"].endswith("/shell/predict")
    assert shell.json("predict", "shell", "[[1.0]]")["result"] == [2.0]
    assert shell.json("predict", "shell", "-", stdin="[[1.0],[3.0]]")["result"] == [2.0, 2.0]
    assert "shell" in {row["name"] for row in shell.json("ls")["models"]}
    assert shell.json("show", "shell")["current_version"] == 2
    assert {row["version"] for row in shell.json("versions", "shell")["versions"]} == {1, 2}
    shell.json("rollback", "shell")
    assert shell.json("predict", "shell", "[[1.0]]")["result"] == [1.0]
    assert shell.json("logs", "shell")["lines"]
    shell.json("rm", "shell", "--yes")
    gone = shell.run("predict", "shell", "[[1.0]]", "--json", status=1)
    assert json.loads(gone.stdout or gone.stderr)["code"] == "not_found"


def test_keys(shell: Shell) -> None:
    key = shell.json("keys", "create", "ci", "--scope", "predict")
    assert key["key"].startswith("mc_")
    listing = shell.run("keys", "ls").stdout
    assert key["key_id"] in listing
    assert key["key"] not in listing
    shell.json("keys", "revoke", key["key_id"])


def test_doctor(shell: Shell) -> None:
    checks = {check["name"]: check for check in shell.json("doctor")["checks"]}
    assert all(checks[name]["ok"] for name in ("python", "local cloud", "target"))
    assert shell.environment["MODELCOTE_URL"] in checks["target"]["detail"]
    shell.environment["MODELCOTE_API_KEY"] = "wrong"
    report = shell.json("doctor")
    target = next(check for check in report["checks"] if check["name"] == "target")
    assert (report["ok"], target["ok"]) == (False, False)
    assert target["remedy"]


def test_what_people_read_says_how_to_call(shell: Shell, tmp_path: Path) -> None:
    model = constant_model(tmp_path, 1)
    printed = shell.run("deploy", str(model), "--name", "human", "--type", "SKLEARN").stdout
    assert "curl" in printed
    assert "model_api_request" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("deploy", "missing.pkl", "--name", "x", "--type", "SKLEARN"), "missing.pkl"),
        (("deploy", "FILE", "--name", "NOT A NAME", "--type", "SKLEARN"), "name"),
        (("deploy", "FILE", "--name", "x", "--type", "ABACUS"), "ABACUS"),
        (("predict", "no-such-model", "[[1]]"), "no-such-model"),
        (("predict", "no-such-model", "[[1"), "JSON"),
        (("rollback", "no-such-model"), "no-such-model"),
    ],
)
def test_errors_say_what_was_wrong(shell: Shell, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    model = str(constant_model(tmp_path, 1))
    result = shell.run(*(model if word == "FILE" else word for word in words), status=None)
    assert result.returncode in (1, 2)
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
