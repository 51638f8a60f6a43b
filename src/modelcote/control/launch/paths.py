"""Which paths are the launch dialect's; free of all else, since errors are shaped by it."""

from __future__ import annotations

_FAMILIES = frozenset({"/v1/model-endpoints", "/v1/async-tasks", "/v1/sync-tasks"})


def is_launch(path: str) -> bool:
    """Whether errors on this path have the dialect's shape."""
    return "/".join(path.split("/", 3)[:3]) in _FAMILIES
