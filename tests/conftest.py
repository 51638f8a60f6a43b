"""Fixtures of every test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dill
import httpx
import pytest
from hypothesis import settings

# One thread per numeric library: models this small lose more by threads that wait for each other than they gain.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
# Pulumi imports dill, which changes how joblib pickles in the whole process: into what dill alone can read.
dill.extend(use_dill=False)
# No example is judged by its time; where CI runs, the same examples are tried every time.
settings.register_profile("all", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("all")

if TYPE_CHECKING:
    from tests.local.cloud import Cloud
    from tests.support.authority import Authority

# The folders that take longest come first, so that the workers of `make test` finish together.
_LONG = ("tests/local/", "tests/docs/", "tests/faults/", "tests/infra/")
# Every deploy runs the program for all models of a cloud: those that deploy dozens come last, or have their own cloud.
_DOZENS = ("tests/local/test_models.py", "tests/local/test_many.py")
_OWN_CLOUDS = ("tests/local/test_lifecycle.py", "tests/local/test_many.py", "tests/local/test_wheel.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def order(item: pytest.Item) -> tuple[int, bool]:
        folder = next((n for n, folder in enumerate(_LONG) if item.nodeid.startswith(folder)), len(_LONG))
        return folder, item.nodeid.startswith(_DOZENS)

    items.sort(key=order)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a file as a whole to one worker, and all files of the one local cloud to the same one."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "cloud" if file.startswith(_LONG[:2]) and file not in _OWN_CLOUDS else file

    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """A certificate authority that the session's local cloud trusts, and no other."""
    from tests.support.authority import Authority

    return Authority()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Cloud]:
    """One local cloud for the whole run, in a folder of its own, with the user's cache of runtimes."""
    from modelcote.local import cloud as local
    from tests.local.cloud import CACHES, Cloud

    home = tmp_path_factory.mktemp("cloud") / ".modelcote"
    # Receivers of webhooks over TLS have certificates of the tests' own authority.
    home.mkdir()
    policy = {"webhook_ca": str(authority.write_ca(home)), **CACHES}
    (home / "policy.json").write_text(json.dumps(policy))
    running = local.up(home)
    try:
        with httpx.Client(headers={"Authorization": running.api_key}, timeout=60) as http:
            yield Cloud(running.url, running.api_key, running.project, home, http)
    finally:
        local.down(home)
