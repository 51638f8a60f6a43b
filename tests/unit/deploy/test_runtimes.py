"""Runtimes and their locks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcote.core.errors import InvalidSpec
from modelcote.core.runtimes import served_runtimes
from modelcote.core.spec import PYTHON_VERSIONS
from modelcote.deploy.artifacts.runtimes import committed, lock_path, locks, parse_key, wishes


@pytest.mark.parametrize("runtime", locks())
def test_locks_pin_every_distribution_by_hash_and_name_no_index(runtime: str) -> None:
    text = lock_path(runtime).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    pinned = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    assert pinned
    assert all("==" in line for line in pinned)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pinned)


@pytest.mark.parametrize("runtime", locks())
def test_a_lock_holds_what_was_asked_for(runtime: str) -> None:
    wanted = wishes(runtime)
    names = {re.split(r"[=;]", line)[0].strip() for line in wanted}
    linux, mac = committed(runtime, "3.11").versions(), committed(runtime, "3.11").versions("darwin")
    assert names <= linux.keys() | mac.keys()
    for line in wanted:
        name, _, version = line.partition(";")[0].strip().partition("==")
        if version:
            assert version in (linux.get(name), mac.get(name))


def test_the_compiler_loads_what_the_runtimes_serve() -> None:
    compiler = committed("compiler", "3.11").versions()
    for runtime in served_runtimes():
        for name, version in committed(runtime, "3.11").versions().items():
            assert compiler.get(name, version) == version, name


@pytest.mark.parametrize("python_version", PYTHON_VERSIONS)
def test_versions_follow_the_markers(python_version: str) -> None:
    versions = committed("xgboost", python_version).versions()
    assert versions["xgboost"] == versions["xgboost-cpu"] == "3.2.0"
    assert versions["python"] == python_version
    assert versions["numpy"].startswith("2.4" if python_version == "3.11" else "2.5")
    assert "xgboost-cpu" not in committed("xgboost", python_version).versions("darwin")


def test_a_requirement_replaces_the_locks_version() -> None:
    assert committed("sklearn", "3.11", ("Scikit_Learn == 1.5.2", "rich")).versions()["scikit-learn"] == "1.5.2"
    other = ("scikit-learn==1.5.2 ; python_version < '3.0'",)
    assert committed("sklearn", "3.11", other).versions()["scikit-learn"] == "1.9.1"


@given(st.sampled_from(locks()), st.sampled_from(PYTHON_VERSIONS), st.lists(st.text()))
def test_keys_are_read_back_and_follow_the_content(runtime: str, python_version: str, lines: list[str]) -> None:
    key = committed(runtime, python_version, lines).key
    assert parse_key(key) == (runtime, python_version)
    assert key == committed(runtime, python_version, list(reversed(lines))).key
    assert (key == committed(runtime, python_version).key) == (not lines)


@pytest.mark.parametrize("key", ["", "onnx", "onnx-py3.11", "onnx-py3.11-xyz", "../onnx-py3.11-0123456789ab"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidSpec, match="not a runtime key"):
        parse_key(key)


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="unknown runtime"):
        lock_path("../../etc")
