"""The dialects: each is one folder here and one entry in this list."""

from __future__ import annotations

from modelcote.control.dialect import Dialect
from modelcote.dialects.conduit.dialect import CONDUIT
from modelcote.dialects.launch.dialect import LAUNCH

DIALECTS: tuple[Dialect, ...] = (CONDUIT, LAUNCH)
# Of each dialect's name the body of its webhooks.
WEBHOOK_SHAPES = {dialect.name: dialect.webhook_body for dialect in DIALECTS}
