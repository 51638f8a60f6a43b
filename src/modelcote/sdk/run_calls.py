"""The API's calls about runs and their webhooks, for both clients."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
import uuid
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack
from urllib.parse import quote

import httpx
import orjson

from modelcote.core.errors import BackendUnavailable, Invalid, WaitTimeout, from_problem
from modelcote.core.runs import OPEN, SUCCEEDED, check_idempotency_key
from modelcote.sdk import answers
from modelcote.sdk.config import Target
from modelcote.sdk.wire import Call, Steps, answering, predict_call, read_answer, sending

# The server holds a request open only for the first look, in which a short run ends: a function that is held while
# it waits costs thirty times as much as polling, and the account has only so many of them.
_HELD_S = 2.0
_PAUSES_S = (0.5, 5.0)
# A caller who waits for hours does not give up over one bad minute.
_PATIENT = 10


class SubmitOptions(TypedDict, total=False):
    """What `submit` accepts besides the model's name and the data; `Client.submit` says what each means."""

    webhook: str | None
    webhook_auth: Mapping[str, str] | None
    idempotency_key: str | None
    queue_limit_s: float | None
    run_limit_s: float | None
    result_ttl_s: float | None
    files: list[Any] | None


class RunFilter(TypedDict, total=False):
    """What lists of runs and deliveries are filtered by; times in ISO 8601, epoch seconds, or spans such as `2h`."""

    model: str
    state: str
    since: str | float
    until: str | float
    limit: int
    cursor: str


class RunCalls:
    """The calls of one project, as steps (`modelcote.sdk.wire`)."""

    def __init__(self, target: Target) -> None:
        self.base = f"{target.url}/v1/projects/{target.project}"
        self._predict = f"{target.url}/v1/{target.project}"

    def predict_url(self, name: str) -> str:
        return f"{self._predict}/{part(name)}/predict"

    def call(self, method: str, path: str, *, again: bool = False, attempts: int = 4, **options: Any) -> Steps[Any]:
        """Call a route; `again`: safe to send twice, as each GET is; `options` are httpx's."""
        repeatable = again or method == "GET"
        return answering(Call(method, self.base + path, options, repeatable=repeatable, attempts=attempts))

    def predict(
        self, name: str, data: Any, files: list[Any] | None = None, timeout: float | None = None
    ) -> Steps[answers.Prediction]:
        """Predict, and follow a call that was accepted as a run to its end."""
        return self.follow(predict_call(self.predict_url(name), data, files), timeout)

    def follow(self, call: Call, timeout: float | None = None) -> Steps[answers.Prediction]:
        """Return a predict call's answer, also where it was accepted as a run.

        A request that names a webhook in the Conduit dialect is not followed: its acknowledgement is the answer.
        """
        answer = yield from sending(call)
        body: answers.Prediction = read_answer(answer)
        if answer.status_code != httpx.codes.ACCEPTED or "state" not in body:
            return body
        run = yield from self._ended(body["run_id"], timeout)
        # The ids are random elsewhere; here they are the same each time the run is read.
        namespace = uuid.UUID(run["run_id"])
        return {
            "result": (yield from self._result_of(run)),
            "run_id": run["run_id"],
            "run_time_ms": run["run_time_ms"],
            "prediction_ids": [uuid.uuid5(namespace, str(point)).hex for point in range(run["points"])],
        }

    def submit(self, name: str, data: Any, **options: Unpack[SubmitOptions]) -> Steps[answers.AcceptedRun]:
        """Submit a run; the answer is the one that accepts it."""
        _check_names(options, SubmitOptions)
        key, auth = options.get("idempotency_key"), options.get("webhook_auth")
        values = {
            "x-modelcote-webhook": options.get("webhook"),
            "x-modelcote-webhook-auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode() if auth else None,
            "x-modelcote-queue-limit": options.get("queue_limit_s"),
            "x-modelcote-run-limit": options.get("run_limit_s"),
            "x-modelcote-result-ttl": options.get("result_ttl_s"),
        }
        headers = {header: _header(header, value) for header, value in values.items() if value is not None}
        headers["Prefer"] = "respond-async"
        headers["Idempotency-Key"] = check_idempotency_key(key) if key is not None else str(uuid.uuid4())
        return answering(predict_call(self.predict_url(name), data, options.get("files"), headers))

    def runs(self, **filters: Unpack[RunFilter]) -> Steps[answers.RunList]:
        return self.call("GET", "/runs", params=query_of(filters))

    def run(self, run_id: str, wait: float = 0) -> Steps[answers.RunDetail]:
        return self.call("GET", f"/runs/{part(run_id)}", params={"wait": str(wait)} if wait else {})

    def result(self, run_id: str) -> Steps[Any]:
        """Fetch the result, downloaded where it is large."""
        answer = yield from self.call("GET", f"/runs/{part(run_id)}/result")
        return answer["result"] if "result" in answer else (yield from _downloaded(answer))

    def wait_result(self, run_id: str, timeout: float | None = None) -> Steps[Any]:
        """Wait until the run has ended and return its result; raise the run's own error."""
        return (yield from self._result_of((yield from self._ended(run_id, timeout))))

    def cancel(self, run_id: str) -> Steps[answers.RunView]:
        return self.call("POST", f"/runs/{part(run_id)}/cancel")

    def replay_since(self, since: str | float, state: str | None, model: str) -> Steps[answers.ReplayCount]:
        """Replay page by page, and count."""
        body = {"since": since, "state": state, "model": model, "cursor": ""}
        count = 0
        while True:
            page = yield from self.call("POST", "/deliveries/replay", json=body)
            count += page["replayed"]
            if not page["cursor"]:
                return {"replayed": count}
            body["cursor"] = page["cursor"]

    def _ended(self, run_id: str, timeout: float | None) -> Steps[answers.RunDetail]:
        until = math.inf if timeout is None else time.monotonic() + timeout
        held, pause = _HELD_S, _PAUSES_S[0]
        while True:
            query = {"wait": f"{max(0.0, min(held, until - time.monotonic())):.3f}"}
            run: answers.RunDetail = yield from self.call(
                "GET", f"/runs/{part(run_id)}", attempts=_PATIENT, params=query
            )
            if run["state"] not in OPEN:
                return run
            left = until - time.monotonic()
            if left <= 0:
                raise WaitTimeout(f"the run is still {run['state']} after {timeout:g} s.", "Wait again.", run_id=run_id)
            yield min(pause, left)
            held, pause = 0.0, min(pause * 1.5, _PAUSES_S[1])

    def _result_of(self, run: answers.RunDetail) -> Steps[Any]:
        if run["state"] != SUCCEEDED:
            raise from_problem({**(run["error"] or {}), "run_id": run["run_id"], "state": run["state"]})
        if "result" in run:
            return run["result"]
        return (yield from _downloaded(run) if run.get("result_url") else self.result(run["run_id"]))


def part(text: str) -> str:
    """Quote one part of a path."""
    return quote(text, safe="")


def _downloaded(reference: Mapping[str, Any]) -> Steps[Any]:
    """Download a large result; raise `BackendUnavailable` for one that is incomplete or altered."""
    answer = yield from sending(Call("GET", reference["result_url"], anonymous=True, repeatable=True))
    if not answer.is_success:
        raise BackendUnavailable(f"the result's download was answered with {answer.status_code}.", "Try again.")
    if hashlib.sha256(answer.content).hexdigest() != reference["sha256"]:
        raise BackendUnavailable("the downloaded result does not match its sha256.", "Try again.")
    return orjson.loads(answer.content)["result"]


def query_of(filters: RunFilter) -> dict[str, str]:
    """Return the filters as a query; raise `TypeError` for an unknown one."""
    _check_names(filters, RunFilter)
    return {name: str(value) for name, value in filters.items() if value not in (None, "")}


def _check_names(options: Mapping[str, Any], shape: type) -> None:
    if unknown := options.keys() - shape.__annotations__.keys():
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}")


def _header(name: str, value: Any) -> str:
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    raise Invalid(f"{name} must be printable ASCII.", "Percent-encode a path; write a host as `xn--`.", field=name)
