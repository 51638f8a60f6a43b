"""Settings from a stack's configuration, and the snapshot that the program is run on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra import snapshot as reading
from infra.config import Platform, Settings, WebhookNetwork, settings_from_json, settings_to_json
from infra.stack_config import settings_from_config
from modelcote.core.errors import DeployFailed, InvalidSpec
from modelcote.core.project import project_root
from modelcote.core.snapshot import Snapshot, snapshot_to_json
from tests.infra.plans import SETTINGS, SNAPSHOTS

STACK = {"stack": "dev", "region": "eu-west-1"}


class Config:
    """Configuration as `pulumi.Config` returns it: text, or objects of JSON."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def get(self, key: str) -> str | None:
        value = self.values.get(key)
        return None if value is None else str(value)

    def get_object(self, key: str) -> Any:
        return self.values.get(key)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    layer = {"key": "platform-py3.13-aa", "runtime": "platform", "python_version": "3.13", "archive": "/layer.zip"}
    archives = {"platform_archive": "/platform.zip", "builder_archive": "/modelcote.zip"}
    assets = {**archives, "platform_layer": layer, "predict_paths": ["/v1/{project}/{model}/predict"]}
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "assets.json").write_text(json.dumps(assets), encoding="utf-8")
    return tmp_path


def read(root: Path, **values: Any) -> tuple[Settings, str]:
    return settings_from_config(Config(**values), **STACK, root=root, account=lambda: "123456789012")


def test_defaults_are_those_of_the_schema(root: Path) -> None:
    schema = yaml.safe_load((project_root() / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    defaults = {key.removeprefix("modelcote:"): row.get("default") for key, row in schema.items()}
    settings, scope = read(root)
    assert scope == defaults["scope"]
    assert settings.architecture == defaults["architecture"]
    assert settings.log_retention_days == defaults["logRetentionDays"]
    assert (settings.throttle_rate, settings.throttle_burst) == (defaults["throttleRate"], defaults["throttleBurst"])
    assert (settings.webhook_network, defaults["webhookNetwork"]) == (None, {})
    assert all(row.get("description") for row in schema.values())


def test_values_are_read(root: Path) -> None:
    settings, scope = read(
        root,
        scope="platform",
        account="999999999999",
        architecture="arm64",
        throttleRate="5",
        throttleBurst="6",
        concurrency={"gateway": 1, "control": 2, "deploy-requested": 3},
        policy={"webhook_http": True},
        tags={"team": "ml"},
        builderImage="image",
        backendUrl="s3://state",
    )
    assert scope == "platform"
    assert (settings.account, settings.architecture) == ("999999999999", "arm64")
    assert settings.concurrency["control"] == 2
    assert settings.concurrency["run-worker"] == 50  # What is not named keeps its default.
    assert settings.policy == {"webhook_http": True}
    assert settings.builder is not None
    assert settings.builder.archive == "/modelcote.zip"


def test_scope_model_reads_the_platforms_outputs(root: Path) -> None:
    given = {"bucket": "b", "key_arn": "k", "boundary_arn": "p", "layers": {"onnx": "arn"}}
    settings, _ = read(root, scope="model", platform=given)
    assert settings.platform == Platform("b", "k", "p", {"onnx": "arn"})


VPC, SUBNET = "vpc-0a1b2c3d4e5f60718", "subnet-0a1b2c3d"


def test_the_webhooks_network_is_read(root: Path) -> None:
    given = {"vpcId": VPC, "subnetIds": [SUBNET, "subnet-0a1b2c3d4e5f60719"]}
    settings, _ = read(root, webhookNetwork=given)
    assert settings.webhook_network == WebhookNetwork(VPC, (SUBNET, "subnet-0a1b2c3d4e5f60719"))
    assert read(root, webhookNetwork={})[0].webhook_network is None


@pytest.mark.parametrize(
    "value",
    [
        *("vpc", ["vpc"], {"vpcId": VPC}, {"subnetIds": [SUBNET]}),
        {"vpcId": VPC, "subnetIds": [SUBNET], "securityGroupIds": ["sg-0a1b2c3d"]},
        *({"vpcId": vpc, "subnetIds": [SUBNET]} for vpc in (7, "0a1b2c3d", f"{VPC}0", "vpc-0A1B2C3D", f"{VPC}\n")),
        *({"vpcId": VPC, "subnetIds": ids} for ids in (SUBNET, [7], [], [SUBNET, SUBNET], [VPC], [f"{SUBNET} "])),
        {"vpcId": VPC, "subnetIds": [f"subnet-{number:08x}" for number in range(17)]},
    ],
)
def test_a_network_out_of_its_rule_is_refused(root: Path, value: Any) -> None:
    with pytest.raises(InvalidSpec, match="webhookNetwork"):
        read(root, webhookNetwork=value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"scope": "everything"}, "scope"),
        ({"scope": "model"}, "platform's outputs"),
        ({"throttleRate": "many"}, "throttleRate"),
        ({"throttleRate": "9", "throttleBurst": "1"}, "throttleBurst"),
        ({"logRetentionDays": "31"}, "logRetentionDays"),
        ({"concurrency": {"gateway": "1"}}, "concurrency"),
        ({"concurrency": ["gateway"]}, "concurrency"),
        ({"concurrency": {"run_worker": 5}}, "concurrency"),
        ({"concurrency": {"watchdog": 0}}, "concurrency"),
        ({"policy": ["webhook_http"]}, "policy"),
        ({"policy": {"webhook_htp": True}}, "webhook_htp"),
        ({"builderImage": "image", "scope": "platform"}, "backendUrl"),
        ({"builderImage": "image", "backendUrl": "s3://state"}, "scope all"),
        ({"platform": {"bucket": "b"}}, "key_arn"),
        ({"alarmEmail": "ops"}, "alarmEmail"),
        ({"architecture": "riscv"}, "architecture"),
    ],
)
def test_what_is_out_of_its_rule_is_named(root: Path, values: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSpec, match=words):
        read(root, **values)


def test_missing_assets_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(DeployFailed, match=r"modelcote\.deploy\.assets"):
        read(tmp_path)


@given(
    st.builds(
        lambda tags, days, platform, network: replace(
            SETTINGS, tags=tags, log_retention_days=days, platform=platform, webhook_network=network
        ),
        st.dictionaries(st.text(), st.text()),
        st.integers(),
        st.none() | st.builds(Platform, st.text(), st.text(), st.text(), st.dictionaries(st.text(), st.text())),
        st.none() | st.builds(WebhookNetwork, st.text(), st.lists(st.text()).map(tuple)),
    )
)
def test_settings_travel_as_json(settings: Settings) -> None:
    assert settings_from_json(settings_to_json(settings)) == settings


def test_a_snapshot_file_is_used_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text(snapshot_to_json(SNAPSHOTS[3]), encoding="utf-8")
    assert reading.load_snapshot(str(file), **STACK).digest == SNAPSHOTS[3].digest


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"models": [{}], "tombstones": [], "layers": []}', "null"])
def test_a_file_that_is_no_snapshot_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DeployFailed, match="is not a snapshot"):
        reading.load_snapshot(str(file), **STACK)


@pytest.mark.parametrize(
    ("found", "allow_empty", "refused"),
    [
        (reading.Reading(Snapshot(), table_exists=True), False, True),
        (reading.Reading(Snapshot(), table_exists=True), True, False),
        (reading.Reading(Snapshot(), table_exists=False), False, False),
        (reading.Reading(Snapshot(tombstones=(("demo", "iris"),))), False, False),
        (reading.Reading(SNAPSHOTS[1]), False, False),
    ],
)
def test_an_empty_registry_is_refused_unless_it_is_new_or_meant(
    monkeypatch: pytest.MonkeyPatch, found: reading.Reading, allow_empty: bool, refused: bool
) -> None:
    monkeypatch.setattr(reading, "read_registry", lambda stack, region: found)
    if refused:
        with pytest.raises(DeployFailed, match="holds no model"):
            reading.load_snapshot("", **STACK, allow_empty=allow_empty)
    else:
        assert reading.load_snapshot("", **STACK, allow_empty=allow_empty) == found.snapshot
