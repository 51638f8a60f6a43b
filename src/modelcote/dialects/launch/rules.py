"""The rules for an endpoint's settings as a whole, when created and after every edit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from modelcote.core.errors import BadRequest, Invalid
from modelcote.dialects.launch.bodies import ASYNC

MAX_WORKERS = 250
# Bytes of metadata, labels and numbers as JSON: a list of endpoints has to fit into one answer.
MAX_SETTINGS = 8 * 1024
_REQUIRED, _RESERVED = frozenset({"team", "product"}), frozenset({"user_id", "endpoint_name"})

Settings = Mapping[str, Any]
# A condition on an endpoint's type and settings, and the error where it does not hold.
_RULES: tuple[tuple[Callable[[str, Settings], bool], str, str], ...] = (
    (lambda _, settings: set(settings["labels"]) >= _REQUIRED, "labels must have team and product.", "Send both."),
    (
        lambda _, settings: not _RESERVED & set(settings["labels"]),
        "labels must not have user_id or endpoint_name.",
        "Leave these out: they are set for you.",
    ),
    (
        lambda kind, settings: kind == ASYNC or settings["min_workers"] >= 1,
        "min_workers must be at least 1, got 0.",
        "Send at least 1; 0 is for endpoints of type async.",
    ),
    (
        lambda _, settings: settings["max_workers"] <= MAX_WORKERS,
        f"max_workers must be at most {MAX_WORKERS}.",
        f"Send at most {MAX_WORKERS}.",
    ),
    (
        lambda _, settings: settings["min_workers"] <= settings["max_workers"],
        "min_workers must be at most max_workers.",
        "Raise max_workers too.",
    ),
    (lambda _, settings: not settings["gpus"] or "gpu_type" in settings, "gpus without gpu_type.", "Send both."),
)


def check_settings(endpoint_type: str, settings: Settings) -> str:
    """Return the settings as they are stored; raise `BadRequest` for a broken rule, `Invalid` for too many bytes."""
    for holds, detail, remedy in _RULES:
        if not holds(endpoint_type, settings):
            raise BadRequest(detail, remedy)
    text = json.dumps(settings, separators=(",", ":"))
    if len(text) > MAX_SETTINGS:
        raise Invalid(
            f"metadata and labels are longer than {MAX_SETTINGS:,} bytes.",
            "Send fewer or shorter ones.",
            field="metadata",
        )
    return text


def check_name(name: str) -> str:
    """Return the name; raise `Invalid` if it is not printable or has space at its ends."""
    if name.isprintable() and name == name.strip():
        return name
    raise Invalid(
        "name must be printable, without space at its ends.", "Use letters, digits and hyphens.", field="name"
    )
