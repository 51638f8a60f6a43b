"""The network of the webhooks' sender: not there by default, and bound when it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.config import settings_from_json
from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Snapshot
from modelcote.deploy.program.monitor import Resource
from modelcote.deploy.program.plan import diff
from modelcote.local.materialise.maker import Context
from modelcote.local.materialise.materialiser import Materialiser
from modelcote.local.materialise.state import load_state
from tests.infra.planner import plan
from tests.infra.plans import (
    NETWORK,
    SETTINGS,
    WITH_NETWORK,
    everything,
    named,
    of,
    planned,
    planned_network,
    planned_platform,
    statements,
)

SENDER = "platform-runs-deliver-webhook"
INTERFACES = {
    *(f"ec2:{act}" for act in ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")),
    *(f"ec2:{act}" for act in ("DescribeSubnets", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses")),
}


def part(name: str) -> Resource:
    return named(name, planned_network().resources)


def test_without_the_setting_there_is_no_network() -> None:
    assert not [row for row in everything() if ":ec2/" in row.type or "vpcConfig" in row.inputs]
    assert "ec2:" not in json.dumps([row.inputs.get("policy") for row in everything()])


def test_the_setting_adds_three_resources_and_moves_one_function() -> None:
    changed = diff(planned_platform(), planned_network())
    assert {urn.rpartition("::")[2] for urn in changed.create} == {
        f"{SENDER}-network{part}" for part in ("", "-access", "-group")
    }
    assert [urn.rpartition("::")[2] for urn in changed.update] == [f"{SENDER}-function"]
    assert changed.delete == ()


def test_the_group_lets_https_out_and_nothing_in() -> None:
    inputs = part(f"{SENDER}-network-group").inputs
    assert inputs["vpcId"] == NETWORK.vpc_id
    assert inputs["ingress"] == []
    (egress,) = inputs["egress"]
    assert (egress["protocol"], egress["fromPort"], egress["toPort"]) == ("tcp", 443, 443)
    assert (egress["cidrBlocks"], egress["ipv6CidrBlocks"]) == (["0.0.0.0/0"], ["::/0"])
    assert inputs["tags"]["modelcote:stack"] == "dev"


def test_only_the_sender_is_in_the_network() -> None:
    placed = {row.name: row.inputs["vpcConfig"] for row in planned_network().resources if "vpcConfig" in row.inputs}
    assert placed == {
        f"{SENDER}-function": {
            "subnetIds": list(NETWORK.subnet_ids),
            "securityGroupIds": [f"${{{SENDER}-network-group.id}}"],
        }
    }


def test_lambda_makes_the_interfaces_and_the_code_does_not() -> None:
    access = part(f"{SENDER}-network-access")
    assert access.inputs["role"] == part(f"{SENDER}-access").inputs["role"]
    allowed, denied = statements(access.name, planned_network().resources)
    assert (allowed["Effect"], set(allowed["Action"]), allowed["Resource"]) == ("Allow", INTERFACES, ["*"])
    assert (denied["Effect"], denied["Resource"]) == ("Deny", ["*"])
    assert set(denied["Action"]) > INTERFACES
    assert denied["Condition"] == {
        "ArnEquals": {
            "lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:modelcote-dev-deliver-webhook"
        }
    }
    elsewhere = [row for row in of("RolePolicy", planned_network().resources) if row != access]
    assert not [row.name for row in elsewhere if "ec2:" in row.inputs["policy"]]


def test_the_rights_outlast_the_group_and_the_group_the_function() -> None:
    """What depends on another is deleted before it."""
    access, group = part(f"{SENDER}-network-access"), part(f"{SENDER}-network-group")
    assert access.urn in group.depends_on
    assert group.urn in part(f"{SENDER}-function").depends_on


def test_the_models_deployer_is_not_told() -> None:
    rows = part("platform-deployer-project").inputs["environment"]["environmentVariables"]
    told = next(row["value"] for row in rows if row["name"] == "MODELCOTE_SETTINGS")
    assert settings_from_json(told).webhook_network is None
    assert "webhook_network" not in told


def test_port_443_may_be_named_in_the_policy() -> None:
    made = plan(Snapshot(), replace(SETTINGS, webhook_network=NETWORK, policy={"webhook_ports": [443]}))
    assert of("SecurityGroup", made.resources)


def test_one_subnet_will_do() -> None:
    one = replace(NETWORK, subnet_ids=NETWORK.subnet_ids[:1])
    made = plan(Snapshot(), replace(WITH_NETWORK, builder=None, webhook_network=one))
    assert len(made.resources) == len(planned(0).resources) + 3


def test_the_local_cloud_says_that_it_has_none(tmp_path: Path) -> None:
    hands = Materialiser(Context(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1", load_state(tmp_path / "state")))
    with pytest.raises(DeployFailed, match="has no networks"):
        hands.create(part(f"{SENDER}-network-group"))
