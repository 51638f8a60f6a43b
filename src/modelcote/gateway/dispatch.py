"""From an HTTP API event to its answer: authenticate, resolve, check, invoke, splice."""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import orjson

from modelcote.core.errors import (
    BackendUnavailable,
    InvalidInput,
    ModelcoteError,
    NotFound,
    to_problem,
)
from modelcote.core.strict_json import loads
from modelcote.gateway.reader import CachedReader
from modelcote.gateway.request import (
    MULTIPART,
    Request,
    check_content,
    read_body,
    read_request,
    request_id_of,
    unknown_model,
)
from modelcote.gateway.splice import splice
from modelcote.registry.authenticate import authenticate
from modelcote.registry.records import DELETING, Model, model_sk, project_pk
from modelcote.registry.scopes import PREDICT

# An HTTP API gives up after 30 s; this leaves time to say so ourselves.
TIMEOUT_S = 28.0
_HEADERS = {"content-type": "application/json"}
_ERROR_HEADERS: dict[int, dict[str, str]] = {
    401: {"www-authenticate": 'Bearer realm="modelcote"'},
    405: {"allow": "POST"},
    429: {"retry-after": "1"},
    503: {"retry-after": "1"},
}


class Backend(Protocol):
    """What serves a version: see `modelcote.backends.aws_lambda`."""

    def invoke(self, function_name: str, payload: bytes, timeout_s: float) -> bytes: ...


@dataclass
class Facts:
    """What the access log says of a request; filled in on the way. Nothing of it is secret."""

    request_id: str
    project: str = ""
    model: str = ""
    key_id: str = ""
    version: int = 0
    model_ms: float = 0.0
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Gateway:
    """Answers predict requests from a registry reader and a backend."""

    def __init__(self, reader: CachedReader, backend: Backend) -> None:
        self.reader = reader
        self.backend = backend

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The HTTP API's answer to an event: `statusCode`, `headers`, `body`. Never raises."""
        started = time.perf_counter()
        facts = Facts(request_id_of(event))
        try:
            body, status, headers = self._predict(event, facts), 200, _HEADERS
        except ModelcoteError as error:
            body, status, headers = _problem(error, facts.request_id)
        except Exception:
            # The last resort: the caller gets an id, the log the trace.
            traceback.print_exc()
            unexpected = ModelcoteError("the gateway failed.", "Try again; if it stays so, report the request_id.")
            body, status, headers = _problem(unexpected, facts.request_id)
        _log(facts, status, started)
        return {"statusCode": status, "headers": {**headers, "x-request-id": facts.request_id}, "body": body}

    def _predict(self, event: Mapping[str, Any], facts: Facts) -> str:
        request = read_request(event)
        facts.project, facts.model = request.project, request.model
        caller = authenticate(request.authorization, self.reader.get)
        facts.key_id = caller.key_id
        if caller.project != request.project:
            raise unknown_model(request.model)
        caller.require(PREDICT)
        kind = check_content(request)
        model = self._resolve(request)
        facts.version = model.current_version
        payload = _payload(read_body(event), kind, request.content_type, facts.run_id)
        invoked = time.perf_counter()
        try:
            answer = self._invoke(request, model, payload)
        finally:
            facts.model_ms = (time.perf_counter() - invoked) * 1000
        return splice(answer, facts.run_id)

    def _resolve(self, request: Request) -> Model:
        item = self.reader.get(project_pk(request.project), model_sk(request.model))
        if item is None or item["state"] == DELETING:
            raise unknown_model(request.model)
        model = Model.from_item(item)
        if not model.current_version:
            raise NotFound(f"{request.model} has no version that serves yet.", "Wait until its deploy has ended.")
        return model

    def _invoke(self, request: Request, model: Model, payload: bytes) -> bytes:
        try:
            return self.backend.invoke(model.function_name, payload, TIMEOUT_S)
        except NotFound as error:
            # Deleted within the last five seconds, perhaps.
            self.reader.forget(*model.key)
            self._resolve(request)
            raise BackendUnavailable("the model's function is being made.", "Try again in a moment.") from error


def _payload(body: bytes, kind: str, content_type: str, run_id: str) -> bytes:
    """The model's event, the JSON in it byte for byte as it was sent. Raises what the body deserves."""
    files = b""
    if kind == MULTIPART:
        # Only here: most requests are JSON, and need not wait for the parser's import.
        from modelcote.gateway.multipart import event_files, read_form

        body, parts = read_form(body, content_type)
        files = b',"files":' + event_files(parts) if parts else b""
    data = loads(body, orjson.loads)
    if not isinstance(data, list | dict):
        raise InvalidInput(
            f"the body is a JSON {type(data).__name__}, not a list or an object.",
            "Send a list of data points, for example [[1, 2, 3]].",
        )
    if isinstance(data, dict) and "webhook_endpoint" in data:
        raise InvalidInput(
            "webhook_endpoint asks for a run in the background, which this version does not have.",
            "Leave webhook_endpoint out and wait for the answer.",
            field="webhook_endpoint",
        )
    return b'{"data":' + body + b',"run_id":"' + run_id.encode() + b'"' + files + b"}"


def _problem(error: ModelcoteError, request_id: str) -> tuple[str, int, dict[str, str]]:
    headers = {"content-type": "application/problem+json", **_ERROR_HEADERS.get(error.status, {})}
    return orjson.dumps(to_problem(error, request_id), default=str).decode(), error.status, headers


def _log(facts: Facts, status: int, started: float) -> None:
    line = {
        "at": time.time(),
        "status": status,
        "ms": round((time.perf_counter() - started) * 1000, 3),
        **asdict(facts),
    }
    print(orjson.dumps(line).decode(), flush=True)
