"""The control API: everything that is not predict."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from mangum import Mangum

from modelcote.control.app import create_app
from modelcote.control.services import services_from_env
from modelcote.dialects import DIALECTS

_logger = Logger(service="modelcote-control")


def _log(event: str, **fields: Any) -> None:
    (_logger.error if "exception" in fields else _logger.info)(event, extra=fields)


handler = Mangum(
    create_app(services_from_env(), DIALECTS, _log),
    lifespan="off",
    text_mime_types=["text/", "application/json", "application/problem+json"],
)
