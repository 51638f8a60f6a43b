"""A receiver that must not be reached, and the authority that receivers have their certificates of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.authority import Authority
from tests.support.receivers import Receiver


@pytest.fixture(scope="session")
def ca(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.write_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def trap() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
        time.sleep(0.05)  # A connection made at the very end is counted too.
        assert receiver.connections == 0
