"""Plans are what was recorded. After a wanted change: `python -m tests.infra.golden --write`, and read the diff."""

from __future__ import annotations

import pytest

from tests.infra import golden
from tests.infra.plans import SNAPSHOTS, planned


@pytest.mark.parametrize("name", golden.PLANS)
def test_the_plan_is_the_recorded_one(name: str) -> None:
    assert golden.text(golden.PLANS[name]()) == golden.path(name).read_text(encoding="utf-8")


def test_no_resource_was_renamed() -> None:
    """A URN that changes is a resource that is deleted and created again: give it an alias."""
    assert golden.urns() == golden.URNS.read_text(encoding="utf-8")


def test_what_a_model_adds_is_its_own() -> None:
    platform = set(planned(0).by_urn())
    added = [row for urn, row in planned(1).by_urn().items() if urn not in platform]
    assert sorted(row.name for row in added if row.name.startswith("model-")) == [
        "model-demo_iris",
        "model-demo_iris-access",
        "model-demo_iris-function",
        "model-demo_iris-live",
        "model-demo_iris-log",
        "model-demo_iris-role",
    ]
    assert all(row.name.startswith(("model-demo_iris", f"layer-{SNAPSHOTS[1].layers[0].key}")) for row in added)
