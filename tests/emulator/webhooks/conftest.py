from __future__ import annotations

import pytest

from modelcote.webhooks.deliver import Deliverer
from tests.emulator.webhooks.delivering import make_deliverer
from tests.support.runs_stand import RunsStand


@pytest.fixture
def stand(stand: RunsStand) -> RunsStand:
    return stand.with_policy(webhook_loopback=True, webhook_http=True)


@pytest.fixture
def deliverer(stand: RunsStand) -> Deliverer:
    return make_deliverer(stand)
