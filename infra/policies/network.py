"""Rules for security groups, and for their rules that are resources of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.policies.view import Finding, Planned, Rule, View


def _ingress(view: View) -> Iterator[Finding]:
    for row in view.of("SecurityGroup"):
        if row.inputs.get("ingress"):
            yield row, "inbound connections are allowed"
    for row in (*view.of("SecurityGroupIngressRule"), *_apart(view, "ingress")):
        yield row, "inbound connections are allowed"


def _apart(view: View, direction: str) -> list[Planned]:
    return [row for row in view.of("SecurityGroupRule") if row.inputs.get("type") == direction]


def _egress(view: View) -> Iterator[Finding]:
    for row in view.of("SecurityGroup"):
        if row.inputs.get("egress") is None:
            yield row, "outbound traffic is unrestricted"
    for row, out in _outward(view):
        if (out.get("protocol") or out.get("ipProtocol"), out.get("fromPort"), out.get("toPort")) != ("tcp", 443, 443):
            yield row, "outbound traffic other than HTTPS is allowed"


def _outward(view: View) -> Iterator[tuple[Planned, Mapping[str, Any]]]:
    for row in view.of("SecurityGroup"):
        yield from ((row, out) for out in row.inputs.get("egress") or ())
    for row in (*view.of("SecurityGroupEgressRule"), *_apart(view, "egress")):
        yield row, row.inputs


RULES = (
    Rule(
        "network-no-ingress",
        ("CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260", "CKV_AWS_277"),
        "No inbound connections into a network",
        _ingress,
    ),
    Rule("network-https-only", ("CKV_AWS_382",), "Only HTTPS leaves a network", _egress),
)
