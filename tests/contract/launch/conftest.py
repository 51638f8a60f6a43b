from __future__ import annotations

import pytest

from modelcote.identity import keys
from modelcote.identity.scopes import SCOPES
from tests.contract.control.front import Front
from tests.contract.control.stand import PROJECT
from tests.contract.launch.stand import Launch, add


@pytest.fixture
def launch(front: Front) -> Launch:
    front.stand.keys["all"] = keys.create(front.stand.registry.table, PROJECT, "all", SCOPES)[1]
    front.runs.play = add
    front.policy(webhook_loopback=True, webhook_http=True)
    return Launch(front)
