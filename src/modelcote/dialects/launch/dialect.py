"""The launch dialect as the port describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelcote.control.dialect import Dialect, Surface
from modelcote.core.errors import ModelcoteError
from modelcote.dialects.launch import NAME
from modelcote.dialects.launch.webhook import webhook_body

if TYPE_CHECKING:
    from fastapi import APIRouter

_FAMILIES = frozenset({"/v1/model-endpoints", "/v1/async-tasks", "/v1/sync-tasks"})


def _routers() -> Sequence[APIRouter]:
    from modelcote.dialects.launch import endpoints, tasks

    return endpoints.router, tasks.router


def _owns(path: str) -> bool:
    return "/".join(path.split("/", 3)[:3]) in _FAMILIES


def _problem(error: ModelcoteError, _request_id: str) -> dict[str, Any]:
    return {"detail": error.text}


_BASIC = {"type": "http", "scheme": "basic", "description": "launch: an API key as the user name, no password"}
LAUNCH = Dialect(NAME, _routers, _owns, Surface(_problem, "application/json", "Basic", {"basic": _BASIC}), webhook_body)
