"""The rules that an endpoint's settings keep together, as created and after every edit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from modelcote.core.errors import BadRequest, Invalid
from modelcote.dialects.launch.bodies import ASYNC

MAX_WORKERS = 250
# Bytes of metadata, labels and numbers as JSON: a list of endpoints has to fit into one answer.
MAX_SETTINGS = 8 * 1024
_WANTED, _TAKEN = frozenset({"team", "product"}), frozenset({"user_id", "endpoint_name"})

Settings = Mapping[str, Any]
# What has to hold for an endpoint's type and settings, and what is said where it does not.
_RULES: tuple[tuple[Callable[[str, Settings], bool], str, str], ...] = (
    (lambda _, given: set(given["labels"]) >= _WANTED, "labels lack team or product.", "Give both."),
    (
        lambda _, given: not _TAKEN & set(given["labels"]),
        "labels hold user_id or endpoint_name.",
        "Leave these out: they are set for you.",
    ),
    (
        lambda kind, given: kind == ASYNC or given["min_workers"] >= 1,
        "min_workers is 0.",
        "Give at least 1; 0 is for endpoints of type async.",
    ),
    (
        lambda _, given: given["max_workers"] <= MAX_WORKERS,
        f"max_workers is above {MAX_WORKERS}.",
        f"Give at most {MAX_WORKERS}.",
    ),
    (
        lambda _, given: given["min_workers"] <= given["max_workers"],
        "min_workers is above max_workers.",
        "Raise max_workers too.",
    ),
    (lambda _, given: not given["gpus"] or "gpu_type" in given, "gpus are given without gpu_type.", "Give both."),
)


def check_settings(endpoint_type: str, settings: Settings) -> str:
    """The settings as they are stored; raises `BadRequest` for a rule that is broken, `Invalid` for too much."""
    for holds, detail, remedy in _RULES:
        if not holds(endpoint_type, settings):
            raise BadRequest(detail, remedy)
    text = json.dumps(settings, separators=(",", ":"))
    if len(text) > MAX_SETTINGS:
        raise Invalid(f"metadata and labels are longer than {MAX_SETTINGS:,} bytes.", "Give less.", field="metadata")
    return text


def check_name(name: str) -> str:
    """The name, if it is printable without space at its ends; raises `Invalid`."""
    if name.isprintable() and name == name.strip():
        return name
    raise Invalid("name is not printable.", "Use letters, digits and hyphens.", field="name")
