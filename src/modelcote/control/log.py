"""The control API's log: one JSON object per event."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

_logger = Logger(service="modelcote-control")


def write(event: str, members: dict[str, Any]) -> None:
    """Logs an event with its members; an `exception` among them makes it an error with its trace."""
    known = {name: value for name, value in members.items() if name != "exception"}
    error = members.get("exception")
    if error is None:
        _logger.info(event, extra=known)
    else:
        _logger.error(event, extra=known, exc_info=error)
