"""IAM documents as values: one statement type, no hand-written JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pulumi

from infra.config import Settings

VERSION = "2012-10-17"
Condition = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Statement:
    """One statement. `principal` is left out in identity policies."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    effect: str = "Allow"
    principal: str | Mapping[str, Any] | None = None
    condition: Condition = field(default_factory=dict)

    def as_dict(self, resources: Sequence[str]) -> dict[str, Any]:
        """The statement as JSON holds it, with `resources` in place of its own, which may be outputs."""
        row: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": list(resources),
        }
        if self.principal is not None:
            row["Principal"] = self.principal
        if self.condition:
            row["Condition"] = self.condition
        return row


def document(*statements: Statement) -> pulumi.Output[str]:
    """The policy document of these statements."""
    # One output for all resources: one per statement made a plan of a thousand models half as slow again.
    resources = pulumi.Output.all(*(resource for row in statements for resource in row.resources))
    return resources.apply(lambda known: _render(statements, iter(known)))


def _render(statements: Sequence[Statement], resources: Iterator[str]) -> str:
    rows = [row.as_dict(list(islice(resources, len(row.resources)))) for row in statements]
    return json.dumps({"Version": VERSION, "Statement": rows})


def trust(settings: Settings, service: str) -> str:
    """Who may assume a role: one service, on behalf of this account only."""
    statement = {
        "Sid": "Trust",
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
        "Condition": from_account(settings),
    }
    return json.dumps({"Version": VERSION, "Statement": [statement]})


def from_account(settings: Settings) -> Condition:
    """The condition that a service acts for a resource of this account."""
    return {"StringEquals": {"aws:SourceAccount": settings.account}}


def tls_only(*resources: pulumi.Input[str], service: str) -> Statement:
    """Refuses everyone who does not come over TLS."""
    return Statement(
        "TlsOnly",
        [f"{service}:*"],
        resources,
        effect="Deny",
        principal="*",
        condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def tracing() -> Statement:
    """What X-Ray needs; its actions know no resources (see policies/exceptions.py)."""
    return Statement("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"])


def write_log(log_group_arn: pulumi.Input[str]) -> Statement:
    """Writing to one log group."""
    streams = pulumi.Output.concat(log_group_arn, ":*") if not isinstance(log_group_arn, str) else f"{log_group_arn}:*"
    return Statement("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams])
