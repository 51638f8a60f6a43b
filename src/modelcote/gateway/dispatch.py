"""From an HTTP API event to its answer: authenticate, resolve, read the data, invoke, respond.

What becomes a run goes to `modelcote.gateway.background`, which is imported only then.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from modelcote.backends import Invoke
from modelcote.core.errors import BackendUnavailable, ModelcoteError, NotFound, NotYetAnswered, to_problem
from modelcote.core.event import StoreRequest, event_json, with_store_request
from modelcote.core.http_rules import JSON, PROBLEM, error_headers
from modelcote.core.objects import DETACHED, ResultKey
from modelcote.core.policy import Policy
from modelcote.core.runs import keep_days, new_run_id
from modelcote.gateway.registry_cache import RegistryCache
from modelcote.gateway.request import Request
from modelcote.gateway.response import Reply
from modelcote.gateway.routes import PredictRoute, read_request, unknown_model
from modelcote.gateway.run_options import RunOptions
from modelcote.identity.authenticate import authenticate
from modelcote.identity.scopes import PREDICT
from modelcote.registry.records import Model, ModelState, model_key

if TYPE_CHECKING:
    from modelcote.gateway.background import Background

_HEADERS = {"content-type": JSON}


@dataclass
class AccessLog:
    """The access log's line about a request, filled in on the way; none of it is secret."""

    request_id: str
    project: str = ""
    model: str = ""
    key_id: str = ""
    version: int = 0
    model_ms: float = 0.0
    run_id: str = field(default_factory=new_run_id)

    def write(self, status: int, started: float) -> None:
        ms = round((time.perf_counter() - started) * 1000, 3)
        print(orjson.dumps({"at": time.time(), "status": status, "ms": ms, **vars(self)}).decode(), flush=True)


class Gateway:
    """Answers the requests of its routes from the registry and the backends; `background` returns what runs need."""

    def __init__(
        self,
        routes: Sequence[PredictRoute],
        registry: RegistryCache,
        invoke: Invoke,
        background: Callable[[], Background],
        policy: Policy,
    ) -> None:
        self.routes = routes
        self.registry = registry
        self.invoke = invoke
        self.background = background
        self.policy = policy

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the HTTP API's answer to an event: `statusCode`, `headers`, `body`. Never raise."""
        started = time.perf_counter()
        log = AccessLog(str(event.get("requestContext", {}).get("requestId", "")))
        try:
            body, status, headers = self._predict(event, log)
        except ModelcoteError as error:
            body, status, headers = _problem(error, log.request_id)
        except Exception:
            # The last resort: the caller gets an id, the log the trace.
            traceback.print_exc()
            unexpected = ModelcoteError("the gateway failed.", "Try again; if it stays so, report the request_id.")
            body, status, headers = _problem(unexpected, log.request_id)
        log.write(status, started)
        return {"statusCode": status, "headers": {**headers, "x-request-id": log.request_id}, "body": body}

    def _predict(self, event: Mapping[str, Any], log: AccessLog) -> Reply:
        route, request = read_request(event, self.routes)
        log.project, log.model = request.project, request.model
        caller = authenticate(request.headers.get("authorization"), self.registry.get)
        log.key_id = caller.key_id
        if caller.project != request.project:
            raise unknown_model(request.model)
        caller.require(PREDICT)
        model = self._resolve(request)
        log.version = model.current_version
        data = route.read(request)
        options = RunOptions.read(route, request, data, model.mode)
        if options:
            return self.background().submit(model, options, log.run_id)
        payload = self._with_store_request(event_json(data.json, data.files, log.run_id), model, log.run_id)
        started = time.time()
        invoked = time.perf_counter()
        try:
            answer = self._invoke(request, model, payload)
        except NotYetAnswered:
            return self.background().detach(model, route.runs, data, log.run_id, started)
        finally:
            log.model_ms = (time.perf_counter() - invoked) * 1000
        return route.write(answer, log.run_id), 200, _HEADERS

    def _with_store_request(self, event: bytes, model: Model, run_id: str) -> bytes:
        """Return the event, with a store request if its answer may come later than the caller waits."""
        if model.timeout_s <= self.policy.keep_after_s:
            return event
        key, days = ResultKey(DETACHED, model.project, model.name, run_id, 1), keep_days(self.policy.result_ttl_s)
        return with_store_request(event, StoreRequest(key=str(key), keep_days=days, after_s=self.policy.keep_after_s))

    def _resolve(self, request: Request) -> Model:
        item = self.registry.get(*model_key(request.project, request.model))
        if item is None or item["state"] == ModelState.DELETING:
            raise unknown_model(request.model)
        model = Model.from_item(item)
        if not model.current_version:
            raise NotFound(f"{request.model} has no version that serves yet.", "Wait until its deploy has ended.")
        return model

    def _invoke(self, request: Request, model: Model, payload: bytes) -> bytes:
        try:
            return self.invoke(model.target, payload, self.policy.sync_wait_s)
        except NotFound as error:
            # Perhaps deleted since it was read into the cache.
            self.registry.forget(*model.key)
            self._resolve(request)
            raise BackendUnavailable("the model's function is being created.", "Try again in a moment.") from error


def _problem(error: ModelcoteError, request_id: str) -> Reply:
    body = orjson.dumps(to_problem(error, request_id), default=str).decode()
    return body, error.status, {"content-type": PROBLEM, **error_headers(error)}
