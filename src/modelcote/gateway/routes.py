"""The paths that predict, and how their requests and answers look: the gateway's port for dialects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelcote.core.errors import MethodNotAllowed, NotFound
from modelcote.core.http_rules import check_headers
from modelcote.core.names import MODEL_NAME, PROJECT_NAME
from modelcote.core.texts import quoted
from modelcote.gateway.request import Data, Request, read_data
from modelcote.gateway.response import respond

if TYPE_CHECKING:
    from modelcote.runs.records import Run

_MESSAGE = "We will return the output to the endpoint provided when the task is complete."  # clients know this text
_POLL = "Poll the run at the URL in the header Location until it has ended."


def accepted(run: Run) -> dict[str, Any]:
    """Return the members of the answer 202."""
    return {
        "run_id": run.run_id,
        "webhook_endpoint": run.webhook_url or None,
        "message": _MESSAGE if run.webhook_url else _POLL,
        "state": run.state,
    }


@dataclass(frozen=True)
class RunForm:
    """How a run looks to its caller. `dialect` shapes its webhook, `accepted` returns the members of the 202."""

    dialect: str = "native"
    accepted: Callable[[Run], dict[str, Any]] = accepted


NATIVE = RunForm()


@dataclass(frozen=True)
class PredictRoute:
    """A path with `{project}` and `{model}`, as the HTTP API names it, that takes POST.

    `read` returns a request's data; `write` the body for a model's answer (`modelcote.core.event`) and the run's id.
    `runs` is the form of its runs, `callbacks` that of those whose webhook is named in the body.
    """

    path: str
    read: Callable[[Request], Data] = read_data
    write: Callable[[bytes, str], str] = respond
    runs: RunForm = NATIVE
    callbacks: RunForm = NATIVE

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path's expression, also below a stage's name."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


def read_request(event: Mapping[str, Any], routes: Sequence[PredictRoute]) -> tuple[PredictRoute, Request]:
    """Return the route of an HTTP API event and its request, the body unread. Raise 400, 404, 405 and 431."""
    method = event["requestContext"]["http"]["method"]
    if method != "POST":
        raise MethodNotAllowed(f"{method} is not a method of predict.", "Use POST.", allow="POST")
    route, project, model = _match(event["rawPath"], routes)
    headers = event.get("headers") or {}
    check_headers(headers.items())
    return route, Request(project, model, headers, event.get("body") or "", bool(event.get("isBase64Encoded")))


def _match(path: str, routes: Sequence[PredictRoute]) -> tuple[PredictRoute, str, str]:
    for route in routes:
        match = route.pattern.search(path)
        if match and match.end() == len(path):
            project, model = match["project"], match["model"]
            if not PROJECT_NAME.fullmatch(project) or not MODEL_NAME.fullmatch(model):
                raise unknown_model(model)
            return route, project, model
    raise NotFound("there is nothing at this path.", "POST to /v1/{project}/{model}/predict.")


def unknown_model(model: str) -> NotFound:
    """Return the one error for a model that does not exist, and for one that is another project's."""
    return NotFound(f"there is no model {quoted(model)} in this project.", "List the models with `cote ls`.")
