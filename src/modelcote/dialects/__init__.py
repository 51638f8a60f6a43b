"""The dialects: each is one folder here and one entry in this list."""

from __future__ import annotations

from modelcote.control.dialect import Dialect
from modelcote.dialects.conduit.dialect import CONDUIT
from modelcote.dialects.launch.dialect import LAUNCH

DIALECTS: tuple[Dialect, ...] = (CONDUIT, LAUNCH)
# The paths of the gateway, and the webhook's body by a dialect's name. None of this needs a web framework.
PREDICT_ROUTES = tuple(route for dialect in DIALECTS for route in dialect.predict)
WEBHOOK_SHAPES = {dialect.name: dialect.webhook_body for dialect in DIALECTS}
