from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.control.front import Front, standing_front
from tests.contract.control.stand import Stand, stand_on
from tests.support.emulator import Emulator, aws, emulator, registry

__all__ = ["aws", "emulator", "front", "registry", "stand"]


@pytest.fixture
def stand(aws: Emulator) -> Stand:
    return stand_on(aws)


@pytest.fixture
def front(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    with standing_front(stand, monkeypatch) as made:
        yield made
