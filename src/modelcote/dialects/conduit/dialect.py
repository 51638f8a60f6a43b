"""The Conduit dialect as the port describes it. It shares the paths that predict with the native interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelcote.control.dialect import Dialect, Surface
from modelcote.core.errors import ModelcoteError, to_problem
from modelcote.dialects.conduit import NAME
from modelcote.dialects.conduit.webhook import webhook_body
from modelcote.gateway.routes import PredictRoute, RunForm, accepted

if TYPE_CHECKING:
    from fastapi import APIRouter

    from modelcote.runs.records import Run

_PATHS = frozenset({"/deploy", "/streamBuildLogs"})


def _routers() -> Sequence[APIRouter]:
    from modelcote.dialects.conduit.routes import router

    return (router,)


def _problem(error: ModelcoteError, request_id: str) -> dict[str, Any]:
    """Return a problem with the `message` that Conduit clients show."""
    return {**to_problem(error, request_id), "message": error.text}


def _accepted(run: Run) -> dict[str, Any]:
    """Return what Conduit clients expect: a run's state is not among it."""
    return {name: value for name, value in accepted(run).items() if name != "state"}


# A webhook in the body is Conduit's own way, on either path.
_RUNS = RunForm(NAME, _accepted)
_ROUTES = (
    PredictRoute("/v1/{project}/{model}/predict", callbacks=_RUNS),
    PredictRoute("/v3/{project}/{model}/predict", callbacks=_RUNS),
)
CONDUIT = Dialect(NAME, _routers, _PATHS.__contains__, Surface(_problem), webhook_body, _ROUTES)
