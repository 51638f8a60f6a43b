from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelcote.registry.store import Registry
from modelcote.webhooks.deliver import Deliverer
from tests.emulator.webhooks.delivering import make_deliverer
from tests.support.runs_stand import RunsStand, runs_standing


@pytest.fixture
def stand(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsStand]:
    with runs_standing(registry, monkeypatch) as made:
        yield made.with_policy(webhook_loopback=True, webhook_http=True)


@pytest.fixture
def deliverer(stand: RunsStand) -> Deliverer:
    return make_deliverer(stand)
