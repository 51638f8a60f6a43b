"""The network of the webhooks' sender: not there by default, and bound when it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from tests.infra.plans import NETWORK, SETTINGS, WITH_NETWORK, everything, planned, planned_network, planned_platform

SENDER = "platform-runs-deliver-webhook"
INTERFACES = {
    f"ec2:{action}"
    for action in (
        "CreateNetworkInterface",
        "DescribeNetworkInterfaces",
        "DeleteNetworkInterface",
        "DescribeSubnets",
        "AssignPrivateIpAddresses",
        "UnassignPrivateIpAddresses",
    )
}


def named(name: str) -> Resource:
    return next(row for row in planned_network().resources if row.name == name)


def test_without_the_setting_there_is_no_network() -> None:
    assert not [row for row in everything() if ":ec2/" in row.type or "vpcConfig" in row.inputs]
    assert "ec2:" not in json.dumps([row.inputs.get("policy") for row in everything()])


def test_the_setting_adds_three_resources_and_moves_one_function() -> None:
    changed = diff(planned_platform(), planned_network())
    assert {urn.rpartition("::")[2] for urn in changed.create} == {
        f"{SENDER}-network",
        f"{SENDER}-network-access",
        f"{SENDER}-network-group",
    }
    assert [urn.rpartition("::")[2] for urn in changed.update] == [f"{SENDER}-function"]
    assert changed.delete == ()


def test_the_group_lets_https_out_and_nothing_in() -> None:
    inputs = named(f"{SENDER}-network-group").inputs
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


def statements(row: Resource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(row.inputs["policy"])["Statement"]
    return found


def test_lambda_makes_the_interfaces_and_the_code_does_not() -> None:
    access = named(f"{SENDER}-network-access")
    assert access.inputs["role"] == named(f"{SENDER}-access").inputs["role"]
    allowed, denied = statements(access)
    assert (allowed["Effect"], set(allowed["Action"]), allowed["Resource"]) == ("Allow", INTERFACES, ["*"])
    assert (denied["Effect"], denied["Resource"]) == ("Deny", ["*"])
    assert set(denied["Action"]) > INTERFACES
    assert denied["Condition"] == {
        "ArnEquals": {
            "lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:modelcote-dev-deliver-webhook"
        }
    }
    elsewhere = [row for row in planned_network().resources if row.type.endswith(":RolePolicy") and row != access]
    assert not [row.name for row in elsewhere if "ec2:" in row.inputs["policy"]]


def test_the_rights_outlast_the_group_and_the_group_the_function() -> None:
    """What depends on another is deleted before it."""
    access, group = named(f"{SENDER}-network-access"), named(f"{SENDER}-network-group")
    assert access.urn in group.depends_on
    assert group.urn in named(f"{SENDER}-function").depends_on


def test_the_models_deployer_is_not_told() -> None:
    rows = named("platform-deployer-project").inputs["environment"]["environmentVariables"]
    told = next(row["value"] for row in rows if row["name"] == "MODELCOTE_SETTINGS")
    assert settings_from_json(told).webhook_network is None
    assert "webhook_network" not in told


def test_port_443_may_be_named_in_the_policy() -> None:
    made = plan(Snapshot(), replace(SETTINGS, webhook_network=NETWORK, policy={"webhook_ports": [443]}))
    assert [row for row in made.resources if row.type.endswith(":SecurityGroup")]


def test_one_subnet_will_do() -> None:
    one = replace(NETWORK, subnet_ids=NETWORK.subnet_ids[:1])
    made = plan(Snapshot(), replace(WITH_NETWORK, builder=None, webhook_network=one))
    assert len(made.resources) == len(planned(0).resources) + 3


def test_the_local_cloud_says_that_it_has_none(tmp_path: Path) -> None:
    hands = Materialiser(Context(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1", load_state(tmp_path / "state")))
    with pytest.raises(DeployFailed, match="has no networks"):
        hands.create(named(f"{SENDER}-network-group"))
