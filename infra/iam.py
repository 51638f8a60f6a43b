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
    """One statement. `principal` is left out in identity policies.

    `source_arn`: the one resource that a service may act for, where its ARN is known only once it exists.
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
        """What of the statement may be an output."""
        return [*self.resources, *([self.source_arn] if self.source_arn is not None else [])]

    def as_dict(self, known: Sequence[str]) -> dict[str, Any]:
        """The statement as JSON holds it, with `known` in place of what may be outputs."""
        row: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": list(known[: len(self.resources)]),
        }
        source = {"ArnEquals": {"aws:SourceArn": known[-1]}} if self.source_arn is not None else {}
        if self.principal is not None:
            row["Principal"] = self.principal
        if self.condition or source:
            row["Condition"] = {**self.condition, **source}
        return row


def document(*statements: Statement) -> pulumi.Output[str]:
    """The policy document of these statements."""
    # One output for all resources: one per statement made a plan of a thousand models half as slow again.
    unknown = pulumi.Output.all(*(value for row in statements for value in row.unknown))
    return unknown.apply(lambda known: _render(statements, iter(known)))


def _render(statements: Sequence[Statement], known: Iterator[str]) -> str:
    rows = [row.as_dict(list(islice(known, len(row.unknown)))) for row in statements]
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
