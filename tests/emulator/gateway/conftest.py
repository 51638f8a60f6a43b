"""A gateway in front of runs, with a key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelcote.identity import keys
from modelcote.registry import models
from modelcote.registry.store import Registry
from tests.emulator.gateway.asked import Asked
from tests.emulator.gateway.stand import Stand, standing
from tests.support.registered import ready
from tests.support.runs_stand import PROJECT, runs_standing


@pytest.fixture
def stand(registry: Registry) -> Iterator[Stand]:
    with standing(registry) as made:
        yield made


@pytest.fixture
def asked(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    models.ensure_project(registry, PROJECT)
    _, key = keys.create(registry.table, PROJECT, "test", ["predict"])
    ready(registry)
    with runs_standing(registry, monkeypatch) as stand:
        yield Asked(stand, key)
