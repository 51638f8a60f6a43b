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

MEMBERS, URN = "urn type parent custom protect", "urn:pulumi:dev::modelcote::"


def state(models: int, *more: dict[str, Any]) -> dict[str, Any]:
    """What `pulumi stack export` returns for a stack that was made from the plan."""
    root = {"urn": f"{URN}pulumi:pulumi:Stack::modelcote-dev", "type": "pulumi:pulumi:Stack"}
    provider = {"urn": f"{URN}pulumi:providers:aws::default", "type": "pulumi:providers:aws"}
    rows = [{name: getattr(row, name) for name in MEMBERS.split()} for row in planned(models).resources]
    return {"resources": [root, provider, *rows, *more]}


@pytest.fixture
def without_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("without_pulumi")
def test_a_missing_command_is_said_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(DeployFailed, match=r"pulumi command is not on the path.*Install Pulumi 3\.272\.0"):
        PulumiEngine(SETTINGS, "file:///state", tmp_path / "home").up(Snapshot())
    assert not (tmp_path / "home").exists()


def test_a_stack_may_go_on_unless_it_would_lose_a_model_or_a_table() -> None:
    assert state_plan({}).resources == ()
    check_deletions(state_plan(state(3)), planned(3), SNAPSHOTS[3])
    with pytest.raises(DeployFailed, match="model-demo_churn"):
        check_deletions(state_plan(state(3)), planned(1), SNAPSHOTS[1])
    table = {"urn": f"{URN}aws:dynamodb/table:Table::old", "type": "aws:dynamodb/table:Table"}
    with pytest.raises(DeployFailed, match="no model's deletion explains"):
        check_deletions(state_plan(state(1, table)), planned(1), SNAPSHOTS[1])
    # What waits for its deletion does not count.
    old = {"urn": f"{URN}aws:s3/bucket:Bucket::old", "type": "aws:s3/bucket:Bucket", "delete": True}
    check_deletions(state_plan(state(1, old)), planned(1), SNAPSHOTS[1])


def test_models_have_a_stack_of_their_own_beside_a_platform() -> None:
    names = [stack_name("dev", scope) for scope in ("all", "platform", "model")]
    assert names == ["dev", "dev", "dev-models"]


def environment(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    platform = Platform("bucket", "arn:aws:kms:eu-west-1:123456789012:key/1", "arn:aws:iam::123456789012:policy/b")
    settings = {"MODELCOTE_SETTINGS": settings_to_json(replace(SETTINGS, platform=platform))}
    for name, value in {**dict.fromkeys(deployer.NEEDED, "x"), **settings, **changes}.items():
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
