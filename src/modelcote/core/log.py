"""One line of the log: JSON, which CloudWatch Logs Insights and `cote logs` read."""

from __future__ import annotations

import json


def log(event: str, **fields: object) -> None:
    """Print the event and its fields, at once: a function may be frozen right after."""
    print(json.dumps({"event": event, **fields}), flush=True)
