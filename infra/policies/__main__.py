"""The policy pack: `pulumi up --policy-pack infra/policies` (needs the extra `policy`).

The pack's constructor serves the engine and never returns, so that it is created here and nowhere else.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@dataclass(frozen=True)
class Row:
    """A resource as the engine passes it to a policy: inputs and known outputs together."""

    type: str
    name: str
    inputs: Mapping[str, Any]


def validate(args: Any, report: Any) -> None:
    """Report every violation that no exception covers."""
    from infra.policies.rules import unexcused

    rows = {row.name: row for row in args.resources}
    for violation in unexcused(Row(row.resource_type, row.name, row.props) for row in args.resources):
        report(f"{violation.rule}: {violation.resource}: {violation.message}", rows[violation.resource].urn)


def main() -> None:
    """Pass the rules to the engine."""
    policy = importlib.import_module("pulumi_policy")
    rule = policy.StackValidationPolicy(
        name="modelcote",
        description="The rules of infra/policies, without those in exceptions.py",
        validate=validate,
    )
    policy.PolicyPack("modelcote", enforcement_level=policy.EnforcementLevel.MANDATORY, policies=[rule])


if __name__ == "__main__":
    main()
