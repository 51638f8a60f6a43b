from __future__ import annotations

import pytest

from tests.contract.control.stand import Stand, stand_on
from tests.support.emulator import Emulator, aws, emulator, registry

__all__ = ["aws", "emulator", "registry", "stand"]


@pytest.fixture
def stand(aws: Emulator) -> Stand:
    return stand_on(aws)
