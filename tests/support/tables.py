"""Tables as the Pulumi program defines them, read from its golden plan: a test's table cannot differ from AWS's."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from modelcote.local.materialise.data import table_request

_PLAN = Path(__file__).parents[1] / "infra" / "golden" / "platform.json"


@cache
def _inputs(kind: str) -> dict[str, Any]:
    resources = json.loads(_PLAN.read_text(encoding="utf-8"))["resources"]
    (inputs,) = (row["inputs"] for row in resources if row["name"] == f"platform-tables-{kind}")
    return dict(inputs)


def make_table(dynamodb: Any, kind: str, name: str) -> None:
    """Create the table of a kind (`registry` or `runs`) under a name."""
    dynamodb.create_table(**table_request(name, _inputs(kind)))
