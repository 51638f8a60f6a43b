"""Fixtures of every test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import settings

# No example is judged by its time; where CI runs, the same examples are tried every time.
settings.register_profile("all", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("all")

if TYPE_CHECKING:
    from tests.local.cloud import Cloud
    from tests.support.receivers import Authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    """A certificate authority that the session's local cloud trusts, and no other."""
    from tests.support.receivers import Authority

    return Authority()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Cloud]:
    """One local cloud for the whole run, in a folder of its own, with the user's cache of runtimes."""
    from modelcote.local import cloud as local
    from tests.local.cloud import Cloud

    home = tmp_path_factory.mktemp("cloud") / ".modelcote"
    # Receivers of webhooks over TLS have certificates of the tests' own authority.
    home.mkdir()
    (home / "policy.json").write_text(json.dumps({"webhook_ca": str(authority.write_ca(home))}))
    running = local.up(home)
    try:
        with httpx.Client(headers={"Authorization": running.api_key}, timeout=60) as http:
            yield Cloud(running.url, running.api_key, running.project, home, http)
    finally:
        local.down(home)
