"""All rules, and the check of a plan against them."""

from __future__ import annotations

from collections.abc import Iterable

from infra.policies import compute, data, edge, identity, network
from infra.policies.exceptions import EXCEPTIONS
from infra.policies.view import Planned, Rule, View, Violation

RULES: tuple[Rule, ...] = (*compute.RULES, *data.RULES, *edge.RULES, *identity.RULES, *network.RULES)


def violations(resources: Iterable[Planned]) -> list[Violation]:
    """Return every violation, including the excepted ones, sorted."""
    view = View(tuple(resources))
    rows = {Violation(rule.id, row.name, message) for rule in RULES for row, message in rule.check(view)}
    return sorted(rows, key=lambda row: (row.rule, row.resource, row.message))


def unexcused(resources: Iterable[Planned]) -> list[Violation]:
    """Return the violations that no exception covers."""
    return [row for row in violations(resources) if not any(item.covers(row) for item in EXCEPTIONS)]
