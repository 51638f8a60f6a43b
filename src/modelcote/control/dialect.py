"""The port for dialects: REST interfaces other than our own, over the same models, runs and webhooks.

A dialect is one folder under `modelcote.dialects`, listed there once. This module and what a `Dialect` names need no
web framework: the gateway and the webhook sender read the list too, and only the control API calls `routers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelcote.core.errors import ModelcoteError, to_problem
from modelcote.core.http_rules import CHALLENGE, PROBLEM

if TYPE_CHECKING:
    from fastapi import APIRouter

    from modelcote.gateway.routes import PredictRoute
    from modelcote.webhooks.shapes import Shape

# OpenAPI's security schemes of the native interface.
_SCHEMES: Mapping[str, Mapping[str, str]] = {
    "key": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API key, or a JWT of a registered issuer"},
}


@dataclass(frozen=True, eq=False)
class Surface:
    """How an interface answers errors and reads credentials; the defaults are the native one's.

    `problem` returns the body for an error and the request's id, sent as `media_type`; a 401 carries `challenge`.
    `schemes` are OpenAPI's security schemes, of which a request has to use one.
    """

    problem: Callable[[ModelcoteError, str], dict[str, Any]] = to_problem
    media_type: str = PROBLEM
    challenge: str = CHALLENGE
    schemes: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _SCHEMES)


@dataclass(frozen=True, eq=False)
class Dialect:
    """A dialect: its name, which its runs keep, and everything in which it differs from the native interface.

    `routers` imports its routes and returns them, `owns` says which paths are its own, `surface` how these answer.
    `webhook_body` returns the body of its runs' webhooks. `predict` are its paths in the gateway.
    """

    name: str
    routers: Callable[[], Sequence[APIRouter]]
    owns: Callable[[str], bool]
    surface: Surface
    webhook_body: Shape
    predict: Sequence[PredictRoute] = ()


NATIVE = Surface()


def surface_of(path: str, dialects: Sequence[Dialect]) -> Surface:
    """Return the surface of the interface that owns the path."""
    return next((dialect.surface for dialect in dialects if dialect.owns(path)), NATIVE)
