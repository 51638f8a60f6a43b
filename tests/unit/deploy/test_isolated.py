"""The process that runs a stranger's model: what it sees, and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from modelcote.core.errors import DeployFailed, InvalidBundle
from modelcote.deploy.queue import isolated

STEP = "import json, os, sys, resource\ndef answer(value): print(json.dumps({'answer': value}))\n"


def step(folder: Path, source: str) -> Any:
    (folder / "peek.py").write_text(STEP + source, encoding="utf-8")
    return isolated.run_step(Path(sys.executable), folder, "peek", folder)


def test_it_sees_no_credentials_and_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "MODELCOTE_API_KEY", "PULUMI_ACCESS_TOKEN", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "hush")
    seen = step(tmp_path, "answer({**os.environ, 'cwd': os.getcwd(), 'task': json.load(sys.stdin)})")
    assert "hush" not in seen.values()
    assert seen["HOME"] == seen["cwd"] != str(tmp_path)
    assert seen["task"] == str(tmp_path)
    assert seen["PYTHONPATH"] == str(tmp_path)


def test_its_memory_and_its_time_are_bounded(tmp_path: Path) -> None:
    seen = step(tmp_path, "answer([resource.getrlimit(x) for x in (resource.RLIMIT_DATA, resource.RLIMIT_CPU)])")
    assert seen == [[isolated.MEMORY_BYTES] * 2, [isolated.TIMEOUT_S] * 2]
    with pytest.raises(DeployFailed, match="MemoryError"):
        step(tmp_path, f"bytearray({isolated.MEMORY_BYTES + 1})")


def test_what_a_model_prints_is_not_taken_for_the_answer(tmp_path: Path) -> None:
    assert step(tmp_path, "print('hello'); answer({'ok': True})") == {"ok": True}


@pytest.mark.parametrize("source", ["os._exit(3)", "os.abort()", "print('no json')", "raise SystemExit(1)"])
def test_a_process_that_dies_is_an_error_that_says_so(tmp_path: Path, source: str) -> None:
    with pytest.raises(DeployFailed, match="the build step ended with status"):
        step(tmp_path, source)


def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "TIMEOUT_S", 1)
    with pytest.raises(DeployFailed, match="took longer than 1 s"):
        step(tmp_path, "import time; time.sleep(60)")


def test_an_error_comes_out_as_its_class(tmp_path: Path) -> None:
    problem = {"code": "invalid_bundle", "detail": "it does not load.", "remedy": "Save it again."}
    with pytest.raises(InvalidBundle, match="it does not load"):
        step(tmp_path, f"print(json.dumps({{'problem': {problem}}}))")
