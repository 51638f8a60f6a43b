"""The Conduit dialect as the port describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelcote.control.dialect import Dialect, Surface
from modelcote.core.errors import ModelcoteError, to_problem
from modelcote.dialects.conduit import NAME
from modelcote.dialects.conduit.predict import ROUTES
from modelcote.dialects.conduit.webhook import webhook_body

if TYPE_CHECKING:
    from fastapi import APIRouter

_PATHS = frozenset({"/deploy", "/streamBuildLogs"})


def _routers() -> Sequence[APIRouter]:
    from modelcote.dialects.conduit.routes import router

    return (router,)


def _problem(error: ModelcoteError, request_id: str) -> dict[str, Any]:
    """Return a problem with the `message` that Conduit clients show."""
    return {**to_problem(error, request_id), "message": str(error)}


CONDUIT = Dialect(NAME, _routers, _PATHS.__contains__, Surface(_problem), webhook_body, ROUTES)
