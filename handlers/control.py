"""The control API: everything that is not predict."""

from __future__ import annotations

from mangum import Mangum

from modelcote.control.app import create_app
from modelcote.control.services import services_from_env
from modelcote.dialects import DIALECTS

handler = Mangum(
    create_app(services_from_env(), DIALECTS),
    lifespan="off",
    text_mime_types=["text/", "application/json", "application/problem+json"],
)
