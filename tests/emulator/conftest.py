"""An emulator of AWS for the whole session, and an empty registry and runs on it for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelcote.registry.store import Registry
from tests.support.emulator import aws, emulator, registry
from tests.support.runs_stand import RunsStand, runs_standing

__all__ = ["aws", "emulator", "registry"]


@pytest.fixture
def stand(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsStand]:
    with runs_standing(registry, monkeypatch) as made:
        yield made
