"""Predict: the function behind `POST /v1|v3/{project}/{model}/predict`."""

from __future__ import annotations

import os
from typing import Any

from modelcote.backends.aws_http import aws_client
from modelcote.backends.aws_lambda import LambdaBackend
from modelcote.gateway.dispatch import Gateway
from modelcote.gateway.reader import CachedReader, ItemReader

_reader = ItemReader(aws_client("dynamodb"), os.environ["MODELCOTE_REGISTRY_TABLE"])
_gateway = Gateway(CachedReader(_reader.get), LambdaBackend(aws_client("lambda")))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """One HTTP API event, one answer."""
    return _gateway.answer(event)
