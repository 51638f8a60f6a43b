"""From an HTTP API event to its answer: authenticate, resolve, check, invoke, respond.

What asks for the background, or is not answered in time, goes to `modelcote.gateway.background`, which is imported
only then.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from modelcote.backends import Invoke
from modelcote.core.errors import (
    BackendUnavailable,
    InvalidInput,
    ModelcoteError,
    NotFound,
    NotYetAnswered,
    to_problem,
)
from modelcote.core.event import StoreRequest, with_store_request
from modelcote.core.objects import DETACHED, ResultKey
from modelcote.core.policy import Policy
from modelcote.core.runs import ASYNC, keep_days, new_run_id
from modelcote.core.strict_json import loads
from modelcote.gateway.event import WEBHOOK_HEADERS, WEBHOOK_MEMBERS, Event, Reply, prefers_async
from modelcote.gateway.registry_cache import RegistryCache
from modelcote.gateway.request import (
    MULTIPART,
    Request,
    check_content,
    read_body,
    read_request,
    request_id_of,
    unknown_model,
)
from modelcote.gateway.response import respond
from modelcote.identity.authenticate import authenticate
from modelcote.identity.scopes import PREDICT
from modelcote.registry.records import Model, ModelState, model_key

if TYPE_CHECKING:
    from modelcote.gateway.background import Background

_HEADERS = {"content-type": "application/json"}
_ERROR_HEADERS: dict[int, dict[str, str]] = {
    401: {"www-authenticate": 'Bearer realm="modelcote"'},
    405: {"allow": "POST"},
    429: {"retry-after": "1"},
    503: {"retry-after": "1"},
}


@dataclass
class Facts:
    """What the access log says of a request; filled in on the way. Nothing of it is secret."""

    request_id: str
    project: str = ""
    model: str = ""
    key_id: str = ""
    version: int = 0
    model_ms: float = 0.0
    run_id: str = field(default_factory=new_run_id)


class Gateway:
    """Answers predict requests from the registry and the backends; `background` gives what runs need, once."""

    def __init__(
        self, registry: RegistryCache, invoke: Invoke, background: Callable[[], Background], policy: Policy
    ) -> None:
        self.registry = registry
        self.invoke = invoke
        self.background = background
        self.policy = policy

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The HTTP API's answer to an event: `statusCode`, `headers`, `body`. Never raises."""
        started = time.perf_counter()
        facts = Facts(request_id_of(event))
        try:
            body, status, headers = self._predict(event, facts)
        except ModelcoteError as error:
            body, status, headers = _problem(error, facts.request_id)
        except Exception:
            # The last resort: the caller gets an id, the log the trace.
            traceback.print_exc()
            unexpected = ModelcoteError("the gateway failed.", "Try again; if it stays so, report the request_id.")
            body, status, headers = _problem(unexpected, facts.request_id)
        _log(facts, status, started)
        return {"statusCode": status, "headers": {**headers, "x-request-id": facts.request_id}, "body": body}

    def _predict(self, event: Mapping[str, Any], facts: Facts) -> Reply:
        request = read_request(event)
        facts.project, facts.model = request.project, request.model
        caller = authenticate(request.authorization, self.registry.get)
        facts.key_id = caller.key_id
        if caller.project != request.project:
            raise unknown_model(request.model)
        caller.require(PREDICT)
        kind = check_content(request)
        model = self._resolve(request)
        facts.version = model.current_version
        sent = read_body(event)
        data = _event(sent, kind, request.content_type, facts.run_id)
        if _in_background(request, data, model):
            return self.background().submit(request, model, data, sent)
        started = time.time()
        invoked = time.perf_counter()
        try:
            answer = self._invoke(request, model, self._kept(request, model, facts.run_id, data.to_json()))
        except NotYetAnswered:
            return self.background().detach(request, model, data, sent, started)
        finally:
            facts.model_ms = (time.perf_counter() - invoked) * 1000
        return respond(answer, facts.run_id), 200, _HEADERS

    def _kept(self, request: Request, model: Model, run_id: str, event: bytes) -> bytes:
        """Return the event, with a store request if the answer may be later than its caller waits."""
        if model.timeout_s <= self.policy.keep_after_s:
            return event
        key = str(ResultKey(DETACHED, request.project, request.model, run_id, 1))
        return with_store_request(
            event, StoreRequest(key, keep_days(self.policy.result_ttl_s), self.policy.keep_after_s)
        )

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
            # Deleted within the last five seconds, perhaps.
            self.registry.forget(*model.key)
            self._resolve(request)
            raise BackendUnavailable("the model's function is being made.", "Try again in a moment.") from error


def _event(body: bytes, kind: str, content_type: str, run_id: str) -> Event:
    """The model's event. Raises what the body deserves."""
    files = b""
    if kind == MULTIPART:
        # Only here: most requests are JSON, and need not wait for the parser's import.
        from modelcote.gateway.multipart import event_files, read_form

        body, parts = read_form(body, content_type)
        files = event_files(parts) if parts else b""
    data = loads(body, orjson.loads)
    if not isinstance(data, list | dict):
        raise InvalidInput(
            f"the body is a JSON {type(data).__name__}, not a list or an object.",
            "Send a list of data points, for example [[1, 2, 3]].",
        )
    return Event(data, body, files, run_id)


def _in_background(request: Request, event: Event, model: Model) -> bool:
    headers = request.event.get("headers") or {}
    return (
        model.mode == ASYNC
        or prefers_async(headers)
        or (isinstance(event.data, dict) and not WEBHOOK_MEMBERS.isdisjoint(event.data))
        or not WEBHOOK_HEADERS.isdisjoint(headers)
    )


def _problem(error: ModelcoteError, request_id: str) -> tuple[str, int, dict[str, str]]:
    headers = {"content-type": "application/problem+json", **_ERROR_HEADERS.get(error.status, {})}
    if "retry_after_s" in error.extra:
        headers["retry-after"] = str(error.extra["retry_after_s"])
    return orjson.dumps(to_problem(error, request_id), default=str).decode(), error.status, headers


def _log(facts: Facts, status: int, started: float) -> None:
    line = {
        "at": time.time(),
        "status": status,
        "ms": round((time.perf_counter() - started) * 1000, 3),
        **asdict(facts),
    }
    print(orjson.dumps(line).decode(), flush=True)
