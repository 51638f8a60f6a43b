"""The API's calls about runs and their webhooks, for both clients."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from modelcote.core.errors import BackendUnavailable, Invalid, WaitTimeout, from_problem
from modelcote.core.runs import OPEN, SUCCEEDED, check_idempotency_key
from modelcote.sdk.config import Target
from modelcote.sdk.wire import Call, Steps, answering, predict_call, read_answer, sending

# A short run is answered as it ends; for a longer one, a function that is held while it waits costs thirty times what
# asking again costs, and there are only so many of them.
_HELD_S = 2.0
_PAUSES_S = (0.5, 5.0)
# Somebody who waits for hours does not give up for a broken minute.
_PATIENT = 10


class RunCalls:
    """The calls of one project, as steps (`modelcote.sdk.wire`)."""

    def __init__(self, target: Target) -> None:
        self.base = f"{target.url}/v1/projects/{target.project}"
        self._predict = f"{target.url}/v1/{target.project}"

    def predict_url(self, name: str) -> str:
        return f"{self._predict}/{part(name)}/predict"

    def call(self, method: str, path: str, *, repeatable: bool = False, **options: Any) -> Steps[dict[str, Any]]:
        return answering(Call(method, self.base + path, options, repeatable=repeatable or method == "GET"))

    def predict(
        self, name: str, data: Any, files: list[Any] | None = None, timeout: float | None = None
    ) -> Steps[dict[str, Any]]:
        """The whole answer; where the call was accepted as a run, that is followed to its end."""
        return followed(predict_call(self.predict_url(name), data, files), self.base, timeout)

    def submit(
        self,
        name: str,
        data: Any,
        *,
        webhook: str | None = None,
        webhook_auth: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        queue_limit_s: float | None = None,
        run_limit_s: float | None = None,
        result_ttl_s: float | None = None,
        files: list[Any] | None = None,
    ) -> Steps[dict[str, Any]]:
        """The answer that accepts the run."""
        key = check_idempotency_key(idempotency_key) if idempotency_key is not None else str(uuid.uuid4())
        auth = base64.urlsafe_b64encode(json.dumps(webhook_auth).encode()).decode() if webhook_auth else None
        given = {
            "x-modelcote-webhook": webhook,
            "x-modelcote-webhook-auth": auth,
            "x-modelcote-queue-limit": queue_limit_s,
            "x-modelcote-run-limit": run_limit_s,
            "x-modelcote-result-ttl": result_ttl_s,
        }
        headers = {name: _header(name, value) for name, value in given.items() if value is not None}
        headers |= {"Prefer": "respond-async", "Idempotency-Key": key}
        return answering(predict_call(self.predict_url(name), data, files, headers))

    def runs(self, **query: Any) -> Steps[dict[str, Any]]:
        return self.call("GET", "/runs", params=_query(query))

    def run(self, run_id: str, wait: float = 0) -> Steps[dict[str, Any]]:
        return self.call("GET", f"/runs/{part(run_id)}", params=_query({"wait": wait or None}))

    def result(self, run_id: str) -> Steps[Any]:
        """The result, downloaded where it is large."""
        return _fetched(self.base, run_id)

    def wait(self, run_id: str, timeout: float | None = None) -> Steps[dict[str, Any]]:
        """The run once it has ended, whatever its end."""
        return _ended(self.base, run_id, timeout)

    def wait_result(self, run_id: str, timeout: float | None = None) -> Steps[Any]:
        """The result once the run has ended; raises the run's own error."""
        return _result(self.base, run_id, timeout)

    def cancel(self, run_id: str) -> Steps[dict[str, Any]]:
        return self.call("POST", f"/runs/{part(run_id)}/cancel")

    def deliveries(self, **query: Any) -> Steps[dict[str, Any]]:
        return self.call("GET", "/deliveries", params=_query(query))

    def delivery(self, run_id: str) -> Steps[dict[str, Any]]:
        return self.call("GET", f"/deliveries/{part(run_id)}")

    def replay(self, run_id: str) -> Steps[dict[str, Any]]:
        return self.call("POST", f"/deliveries/{part(run_id)}/replay", repeatable=True)

    def replay_since(self, since: str | float, state: str | None, model: str) -> Steps[dict[str, Any]]:
        """`{"replayed": n}` over all pages."""
        body = {"since": since, "state": state, "model": model, "cursor": ""}
        sent = 0
        while True:
            page = yield from self.call("POST", "/deliveries/replay", json=body)
            sent += page["replayed"]
            if not page["cursor"]:
                return {"replayed": sent}
            body["cursor"] = page["cursor"]


def followed(call: Call, base: str, timeout: float | None = None) -> Steps[dict[str, Any]]:
    """A predict call's `result, run_id, run_time_ms, prediction_ids`, also where it was accepted as a run.

    One that asked for a Conduit webhook is not followed: what accepted it is the answer.
    """
    answer = yield from sending(call)
    body = read_answer(answer)
    if answer.status_code != httpx.codes.ACCEPTED or "state" not in body or not base:
        return body
    run = yield from _ended(base, body["run_id"], timeout)
    # The ids are random elsewhere; here they are the same whenever the run is asked for.
    namespace = uuid.UUID(run["run_id"])
    return {
        "result": (yield from _result_of(base, run)),
        "run_id": run["run_id"],
        "run_time_ms": run["run_time_ms"],
        "prediction_ids": [uuid.uuid5(namespace, str(point)).hex for point in range(run["points"])],
    }


def part(text: str) -> str:
    """A path's part."""
    return quote(text, safe="")


def _ended(base: str, run_id: str, timeout: float | None) -> Steps[dict[str, Any]]:
    until = math.inf if timeout is None else time.monotonic() + timeout
    held, pause = _HELD_S, _PAUSES_S[0]
    while True:
        query = {"params": {"wait": f"{max(0.0, min(held, until - time.monotonic())):.3f}"}}
        run = yield from answering(
            Call("GET", f"{base}/runs/{part(run_id)}", query, repeatable=True, attempts=_PATIENT)
        )
        if run["state"] not in OPEN:
            return run
        left = until - time.monotonic()
        if left <= 0:
            raise WaitTimeout(f"the run is {run['state']} after {timeout:g} s.", "Wait again.", run_id=run_id)
        yield min(pause, left)
        held, pause = 0.0, min(pause * 1.5, _PAUSES_S[1])


def _result(base: str, run_id: str, timeout: float | None) -> Steps[Any]:
    return (yield from _result_of(base, (yield from _ended(base, run_id, timeout))))


def _result_of(base: str, run: Mapping[str, Any]) -> Steps[Any]:
    if run["state"] != SUCCEEDED:
        raise from_problem({**(run["error"] or {}), "run_id": run["run_id"], "state": run["state"]})
    if "result" in run:
        return run["result"]
    if run.get("result_url"):
        return (yield from _downloaded(run))
    return (yield from _fetched(base, run["run_id"]))


def _fetched(base: str, run_id: str) -> Steps[Any]:
    answer = yield from answering(Call("GET", f"{base}/runs/{part(run_id)}/result", repeatable=True))
    return answer["result"] if "result" in answer else (yield from _downloaded(answer))


def _downloaded(reference: Mapping[str, Any]) -> Steps[Any]:
    """The result that a presigned URL leads to; raises `BackendUnavailable` for one that is not whole."""
    answer = yield from sending(Call("GET", reference["result_url"], anonymous=True, repeatable=True))
    if not answer.is_success:
        raise BackendUnavailable(f"the result's download was answered with {answer.status_code}.", "Ask for it again.")
    if hashlib.sha256(answer.content).hexdigest() != reference["sha256"]:
        raise BackendUnavailable("the result that came is not the one that was stored.", "Ask for it again.")
    return orjson.loads(answer.content)["result"]


def _query(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in given.items() if value is not None and value != ""}


def _header(name: str, value: Any) -> str:
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    raise Invalid(
        f"{name} is not printable ASCII.", "Percent-encode a path; give a host in its `xn--` form.", field=name
    )
