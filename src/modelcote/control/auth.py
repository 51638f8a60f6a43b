"""Access: every route under `/v1/projects/{project}` names the scope it requires by one of these types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from modelcote.control.services import Services, services_of
from modelcote.core.errors import NotFound
from modelcote.identity import scopes
from modelcote.identity.authenticate import authenticate
from modelcote.identity.scopes import Caller

ServicesDep = Annotated[Services, Depends(services_of)]


def caller_of(request: Request, services: ServicesDep) -> Caller:
    """Return whose credential the request carries; raise 401 for none that is valid. The middleware refuses two."""
    return authenticate(request.headers.get("authorization"), services.registry.table.get)


CallerDep = Annotated[Caller, Depends(caller_of)]


def _project_with(scope: str) -> Callable[[str, Caller], str]:
    def project_of(project: str, caller: CallerDep) -> str:
        if project != caller.project:
            raise NotFound("there is no such project.", "Use the project that your key belongs to.")
        caller.require(scope)
        return project

    return project_of


# The project in the path, once the credential is checked to belong to it and to have the scope.
Predictor = Annotated[str, Depends(_project_with(scopes.PREDICT))]
Deployer = Annotated[str, Depends(_project_with(scopes.DEPLOY))]
Admin = Annotated[str, Depends(_project_with(scopes.ADMIN))]
