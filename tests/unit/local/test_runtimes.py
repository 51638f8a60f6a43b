"""Environments of runtimes, made by uv of locks that install nothing, so that no network is needed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelcote.core.errors import LocalCloudError
from modelcote.deploy.artifacts.runtimes import LockedRuntime
from modelcote.local import runtimes
from modelcote.local.package_index import uv_environment

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def runtime(*requirements: str, python: str = HERE) -> LockedRuntime:
    return LockedRuntime("onnx", python, "# nothing\n", requirements)


@pytest.fixture(autouse=True)
def empty_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lock of what AWS provides is an empty file, the cache an empty folder."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing\n")
    monkeypatch.setenv("MODELCOTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(runtimes, "_lambda_lock", lambda: lock)
    return lock


def test_an_environment_is_made_once_and_found_again(tmp_path: Path) -> None:
    made = runtimes.environment_for(runtime())
    said = subprocess.check_output([made / "bin" / "python", "-c", "import sys; print(sys.prefix)"], text=True)
    assert said.strip() == str(made)
    inode = made.stat().st_ino
    assert runtimes.environment_for(runtime()).stat().st_ino == inode
    layer = runtimes.layer_for(runtime())
    assert (layer.archive, runtimes.layer_of(layer.key)) == (str(made), layer)


def test_makers_at_the_same_time_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: runtimes.environment_for(runtime()), range(4)))
    assert len(made) == 1
    assert [one.name for one in (tmp_path / "cache" / "runtimes").iterdir() if one.is_dir()] == [made.pop().name]


def test_a_failed_installation_says_so_and_leaves_no_environment(tmp_path: Path) -> None:
    missing = tmp_path / "no-such-package"
    with pytest.raises(LocalCloudError, match="could not be installed"):
        runtimes.environment_for(runtime(str(missing)))
    with pytest.raises(LocalCloudError, match="could not be installed"):
        runtimes.environment_for(runtime(str(missing)))


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(LocalCloudError, match=r"there is no Python 3\.99"):
        runtimes.environment_for(runtime(python="3.99"))


def test_a_layer_that_the_cache_lost_is_named() -> None:
    with pytest.raises(LocalCloudError, match=r"onnx-py3\.11-000000000000"):
        runtimes.layer_of("onnx-py3.11-000000000000")


def test_uv_is_told_what_pip_was_told(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://a.example/simple\nextra-index-url =\n  https://b.example\n"
    )
    told = uv_environment({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "HOME": str(tmp_path)})
    assert (told["UV_DEFAULT_INDEX"], told["UV_INDEX"]) == ("https://a.example/simple", "https://b.example")


def test_variables_go_before_files_and_uvs_own_before_pips(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://file.example\nfind-links = /a /b\n")
    base = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "HOME": str(tmp_path)}
    told = uv_environment({**base, "PIP_INDEX_URL": "https://variable.example", "PIP_NO_INDEX": "0"})
    assert (told["UV_DEFAULT_INDEX"], told["UV_FIND_LINKS"]) == ("https://variable.example", "/a,/b")
    assert "UV_NO_INDEX" not in told
    own = uv_environment({**base, "UV_INDEX_URL": "https://own.example"})
    assert "UV_DEFAULT_INDEX" not in own
