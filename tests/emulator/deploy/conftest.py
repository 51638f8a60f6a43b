"""Deploy requests, as the control API makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcote.registry.store import Registry
from tests.emulator.deploy.deploying import Stand


@pytest.fixture
def stand(registry: Registry, tmp_path: Path) -> Stand:
    return Stand(registry, tmp_path)
