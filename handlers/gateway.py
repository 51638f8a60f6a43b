"""Predict: the function behind `POST /v1|v3/{project}/{model}/predict`."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from modelcote.aws.http import aws_client
from modelcote.backends import Backends
from modelcote.core.policy import policy_from_env
from modelcote.dialects import PREDICT_ROUTES
from modelcote.gateway.dispatch import Gateway
from modelcote.gateway.registry_cache import ItemReader, RegistryCache

if TYPE_CHECKING:
    from modelcote.gateway.background import Background


@cache
def _background() -> Background:
    # Only for runs: most requests are answered, and a cold start need not wait for this import.
    from modelcote.gateway.background import background_from_env

    return background_from_env()


_policy = policy_from_env()
_table = ItemReader(aws_client("dynamodb"), os.environ["MODELCOTE_REGISTRY_TABLE"])
_registry = RegistryCache(_table.get, _policy.registry_cache_s)
_gateway = Gateway(PREDICT_ROUTES, _registry, Backends().invoke, _background, _policy)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return _gateway.answer(event)
