"""IAM documents as values: one statement type, no hand-written JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pulumi

from infra.config import Settings
from infra.naming import arn

VERSION = "2012-10-17"
Condition = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Statement:
    """One statement. `principal` is left out in identity policies.

    `source_arn`: the one resource that a service may act for, if its ARN is an output.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    effect: str = "Allow"
    principal: str | Mapping[str, Any] | None = None
    condition: Condition = field(default_factory=dict)
    source_arn: pulumi.Input[str] | None = None

    @property
    def unknown(self) -> list[pulumi.Input[str]]:
        """The parts of the statement that may be outputs."""
        return [*self.resources, *([self.source_arn] if self.source_arn is not None else [])]

    def as_dict(self, resolved: Sequence[str]) -> dict[str, Any]:
        """Return the statement as JSON holds it, with `resolved` in place of `unknown`."""
        row: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": list(resolved[: len(self.resources)]),
        }
        source = {"ArnEquals": {"aws:SourceArn": resolved[-1]}} if self.source_arn is not None else {}
        if self.principal is not None:
            row["Principal"] = self.principal
        if self.condition or source:
            row["Condition"] = {**self.condition, **source}
        return row


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return the policy document of these statements."""
    # One output for all resources: with one per statement, a plan of a thousand models took half as long again.
    unknown = pulumi.Output.all(*(value for row in statements for value in row.unknown))
    return unknown.apply(lambda values: _render(statements, iter(values)))


def _render(statements: Sequence[Statement], values: Iterator[str]) -> str:
    rows = [row.as_dict(list(islice(values, len(row.unknown)))) for row in statements]
    return json.dumps({"Version": VERSION, "Statement": rows})


def trust(settings: Settings, service: str) -> str:
    """Return the trust policy of a role: one service may assume it, on behalf of this account only."""
    statement = {
        "Sid": "Trust",
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
        "Condition": from_account(settings),
    }
    return json.dumps({"Version": VERSION, "Statement": [statement]})


def from_account(settings: Settings) -> Condition:
    """Return the condition that a service acts for a resource of this account."""
    return {"StringEquals": {"aws:SourceAccount": settings.account}}


def tls_only(*resources: pulumi.Input[str], service: str) -> Statement:
    """Deny every request that is not made over TLS."""
    return Statement(
        "TlsOnly",
        [f"{service}:*"],
        resources,
        effect="Deny",
        principal="*",
        condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def tracing() -> Statement:
    """Allow tracing; X-Ray's actions have no resource types (see policies/exceptions.py)."""
    return Statement("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"])


def write_log(settings: Settings, group: str) -> Statement:
    """Allow writing to one log group."""
    streams = arn(settings, "logs", f"log-group:{group}:*")
    return Statement("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams])
