"""HTTP Basic, as launch clients send it: the API key is the user name. The password is empty, and ignored."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from modelcote.control.auth import ServicesDep
from modelcote.core.errors import Unauthorized
from modelcote.identity import scopes
from modelcote.identity.authenticate import authenticate
from modelcote.identity.scopes import Caller


def _caller_of(request: Request, services: ServicesDep) -> Caller:
    """Return whose key the request carries; raise 401 for none that is valid. The middleware refuses two."""
    try:
        return authenticate(_user(request.headers.get("authorization", "")), services.registry.table.get)
    except Unauthorized:
        raise Unauthorized(
            "The API key is missing or not valid.", "Send it as the user name of HTTP Basic, with an empty password."
        ) from None


def _user(header: str) -> str:
    """Return the user name; empty, which is not a valid key, where the header cannot be read."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _project_with(*accepted: str) -> Callable[[Caller], str]:
    def project_of(caller: Annotated[Caller, Depends(_caller_of)]) -> str:
        if not set(accepted) & set(caller.scopes):
            caller.require(accepted[0])
        return caller.project

    return project_of


# The project of the key, once its scope is checked. A client that predicts first looks its endpoint up by name.
Reader = Annotated[str, Depends(_project_with(scopes.PREDICT, scopes.DEPLOY))]
Predictor = Annotated[str, Depends(_project_with(scopes.PREDICT))]
Deployer = Annotated[str, Depends(_project_with(scopes.DEPLOY))]
