"""The Pulumi engine's side, as far as it goes without the engine: what is checked before it, and what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.config import Platform, settings_to_json
from modelcote.core.errors import DeployFailed, InvalidSpec
from modelcote.core.snapshot import Snapshot
from modelcote.deploy import __main__ as deployer
from modelcote.deploy.program.plan import check_deletions
from modelcote.deploy.program.pulumi_engine import PulumiEngine, stack_name
from modelcote.deploy.program.pulumi_run import state_plan
from modelcote.deploy.stack import process_deploys, stack_up
from tests.infra.plans import SETTINGS, SNAPSHOTS, planned


def state(models: int, *more: dict[str, Any]) -> dict[str, Any]:
    """What `pulumi stack export` returns for a stack that was made from the plan."""
    root = {"urn": "urn:pulumi:dev::modelcote::pulumi:pulumi:Stack::modelcote-dev", "type": "pulumi:pulumi:Stack"}
    provider = {"urn": "urn:pulumi:dev::modelcote::pulumi:providers:aws::default", "type": "pulumi:providers:aws"}
    rows = [
        {"urn": row.urn, "type": row.type, "parent": row.parent, "custom": row.custom, "protect": row.protect}
        for row in planned(models).resources
    ]
    return {"resources": [root, provider, *rows, *more]}


@pytest.fixture
def without_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("without_pulumi")
def test_a_missing_command_is_said_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(DeployFailed, match=r"pulumi command is not on the path.*Install Pulumi 3\.272\.0"):
        PulumiEngine(SETTINGS, "file:///state", tmp_path / "home").up(Snapshot())
    assert not (tmp_path / "home").exists()


def test_an_unchanged_stack_may_go_on() -> None:
    check_deletions(state_plan(state(3)), planned(3), SNAPSHOTS[3])


def test_a_stack_that_would_lose_a_model_may_not() -> None:
    with pytest.raises(DeployFailed, match="model-demo_churn"):
        check_deletions(state_plan(state(3)), planned(1), SNAPSHOTS[1])


def test_a_stack_that_would_lose_its_table_may_not() -> None:
    table = {"urn": "urn:pulumi:dev::modelcote::aws:dynamodb/table:Table::old", "type": "aws:dynamodb/table:Table"}
    with pytest.raises(DeployFailed, match="no model's deletion explains"):
        check_deletions(state_plan(state(1, table)), planned(1), SNAPSHOTS[1])


def test_what_waits_for_its_deletion_does_not_count() -> None:
    old = {
        "urn": "urn:pulumi:dev::modelcote::aws:s3/bucket:Bucket::old",
        "type": "aws:s3/bucket:Bucket",
        "delete": True,
    }
    check_deletions(state_plan(state(1, old)), planned(1), SNAPSHOTS[1])


def test_an_empty_stack_has_no_state() -> None:
    assert state_plan({}).resources == ()


def test_models_have_a_stack_of_their_own_beside_a_platform() -> None:
    assert (stack_name("dev", "all"), stack_name("dev", "platform"), stack_name("dev", "model")) == (
        "dev",
        "dev",
        "dev-models",
    )


def environment(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    platform = Platform("bucket", "arn:aws:kms:eu-west-1:123456789012:key/1", "arn:aws:iam::123456789012:policy/b")
    values = {
        **dict.fromkeys(deployer.NEEDED, "x"),
        "MODELCOTE_SETTINGS": settings_to_json(replace(SETTINGS, platform=platform)),
        **changes,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("without_pulumi")
def test_the_deployer_needs_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch)
    with pytest.raises(DeployFailed, match="pulumi command"):
        deployer.run()


@pytest.mark.parametrize("name", deployer.NEEDED)
def test_the_deployer_says_what_its_environment_lacks(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    environment(monkeypatch, **{name: ""})
    with pytest.raises(DeployFailed, match=name):
        deployer.run()


@pytest.mark.parametrize("text", ["{", "{}", "[]", json.dumps({"stack": "dev"})])
def test_settings_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    environment(monkeypatch, MODELCOTE_SETTINGS=text)
    with pytest.raises(DeployFailed, match="MODELCOTE_SETTINGS cannot be read"):
        deployer.run()


def test_settings_of_another_scope_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, MODELCOTE_SETTINGS=settings_to_json(SETTINGS))
    with pytest.raises(InvalidSpec, match="platform's outputs"):
        deployer.run()


@pytest.mark.usefixtures("without_pulumi")
@pytest.mark.parametrize("act", [stack_up, process_deploys])
def test_a_stack_needs_the_command_before_it_needs_credentials(act: Callable[..., object]) -> None:
    with pytest.raises(DeployFailed, match="pulumi command"):
        act("dev", "eu-west-1")
