"""The paths that predict. The gateway imports this on every cold start, so it needs nothing but the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelcote.dialects import conduit
from modelcote.gateway.routes import PredictRoute, RunForm, accepted

if TYPE_CHECKING:
    from modelcote.runs.records import Run


def _conduit_accepted(run: Run) -> dict[str, Any]:
    """Return what Conduit clients expect: a run's state is not among it."""
    return {name: value for name, value in accepted(run).items() if name != "state"}


# A webhook in the body is Conduit's own way, on either path.
_CONDUIT = RunForm(conduit.NAME, _conduit_accepted)
PREDICT_ROUTES = (
    PredictRoute("/v1/{project}/{model}/predict", callbacks=_CONDUIT),
    PredictRoute("/v3/{project}/{model}/predict", callbacks=_CONDUIT),
)
