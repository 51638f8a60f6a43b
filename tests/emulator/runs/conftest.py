from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelcote.registry.store import Registry
from tests.support.runs_stand import RunsStand, runs_standing


@pytest.fixture
def stand(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsStand]:
    with runs_standing(registry, monkeypatch) as made:
        yield made
