"""The paths that predict, which Conduit shares with the native interface, and the form of the runs that start there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelcote.dialects.conduit import NAME
from modelcote.gateway.routes import PredictRoute, RunForm, accepted

if TYPE_CHECKING:
    from modelcote.runs.records import Run


def _accepted(run: Run) -> dict[str, Any]:
    """Return what Conduit clients expect: a run's state is not among it."""
    return {name: value for name, value in accepted(run).items() if name != "state"}


# A webhook in the body is Conduit's own way, on either path.
_RUNS = RunForm(NAME, _accepted)
ROUTES = (
    PredictRoute("/v1/{project}/{model}/predict", callbacks=_RUNS),
    PredictRoute("/v3/{project}/{model}/predict", callbacks=_RUNS),
)
