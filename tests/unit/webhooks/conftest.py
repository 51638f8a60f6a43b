from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelcote.registry.store import Registry
from tests.support.emulator import aws, emulator, registry
from tests.support.runs_stand import RunsStand, runs_standing

__all__ = ["aws", "emulator", "registry", "stand"]


@pytest.fixture
def stand(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsStand]:
    with runs_standing(registry, monkeypatch) as made:
        yield made.with_policy(webhook_loopback=True, webhook_http=True)
