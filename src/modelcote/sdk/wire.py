"""The parts that both clients share: sending, retrying and reading answers.

A call of the API is a generator of steps: it yields a `Call` and receives the answer or the error that broke the
connection, or it yields seconds to pause. `perform` and `perform_async` run the steps; nothing else knows which of
the two it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import orjson

from modelcote.core.backoff import pause_s
from modelcote.core.errors import BackendUnavailable, from_problem

TIMEOUT_S = 60.0
# The server did nothing when it answers with these, or when no connection was made: always safe to send again.
_RETRY_STATUS = frozenset({429, 503})
_FAULTS = frozenset({500, 502, 504})
_MAX_PAUSE_S = 10.0


@dataclass(frozen=True)
class Call:
    """One request. `options` are httpx's; `anonymous`: without the API key; `repeatable`: safe to send twice."""

    method: str
    url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    anonymous: bool = False
    repeatable: bool = False
    attempts: int = 4


Result = TypeVar("Result")
Outcome = httpx.Response | httpx.HTTPError | None
Steps = Generator[Call | float, Outcome, Result]


def perform(http: httpx.Client, steps: Steps[Result]) -> Result:
    """Run the steps and return their result."""
    outcome: Outcome = None
    while True:
        try:
            step = steps.send(outcome)
        except StopIteration as done:
            return cast(Result, done.value)
        outcome = None
        if isinstance(step, float):
            time.sleep(step)
            continue
        try:
            outcome = http.send(_request(http, step))
        except httpx.HTTPError as error:
            outcome = error


async def perform_async(http: httpx.AsyncClient, steps: Steps[Result]) -> Result:
    """Do as `perform` does, for asyncio."""
    outcome: Outcome = None
    while True:
        try:
            step = steps.send(outcome)
        except StopIteration as done:
            return cast(Result, done.value)
        outcome = None
        if isinstance(step, float):
            await asyncio.sleep(step)
            continue
        try:
            outcome = await http.send(_request(http, step))
        except httpx.HTTPError as error:
            outcome = error


def _request(http: httpx.Client | httpx.AsyncClient, call: Call) -> httpx.Request:
    request = http.build_request(call.method, call.url, **call.options)
    if call.anonymous:
        del request.headers["Authorization"]
    return request


def sending(call: Call) -> Steps[httpx.Response]:
    """Send the call and return the answer, whatever its status; retry where the server did nothing or a repeat is safe.

    Raises `BackendUnavailable` when no answer arrives.
    """
    again = _RETRY_STATUS | (_FAULTS if call.repeatable else frozenset())
    for attempt in range(call.attempts):
        outcome = yield call
        last = attempt == call.attempts - 1
        if isinstance(outcome, httpx.Response):
            if last or outcome.status_code not in again:
                return outcome
        elif last or not (call.repeatable or isinstance(outcome, httpx.ConnectError)):
            raise _broken(call, outcome) from outcome
        yield pause_s(attempt, 0.2, _MAX_PAUSE_S)
    raise AssertionError("unreachable")


def answering(call: Call) -> Steps[Any]:
    """Send the call and return the body of a success; raise the error that any other answer holds."""
    return read_answer((yield from sending(call)))


def read_answer(answer: httpx.Response) -> Any:
    """Return the body of a success (`{}` where it is empty); raise the error that any other answer holds."""
    if answer.is_success:
        return orjson.loads(answer.content) if answer.content else {}
    try:
        problem = orjson.loads(answer.content)
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        raise from_problem(problem)
    raise BackendUnavailable(
        f"the server answered {answer.status_code} without a modelcote error.",
        "Check the URL with `cote doctor`.",
    )


def predict_call(url: str, data: Any, files: list[Any] | None = None, headers: Mapping[str, str] | None = None) -> Call:
    """Build a predict request; `files` are paths, bytes or open binary files, sent as multipart parts named `files`.

    The same data makes the same bytes, so that a repeated Idempotency-Key matches its run. With one it is repeatable.
    """
    body = orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY, default=to_plain)
    kind = "application/json"
    if files:
        parts = [("files", _file_part(index, file)) for index, file in enumerate(files)]
        digest = hashlib.sha256(body)
        for _, (name, content) in parts:
            digest.update(name.encode() + content)
        kind = f"multipart/form-data; boundary={digest.hexdigest()}"
        form = httpx.Request("POST", url, data={"data": body.decode()}, files=parts, headers={"Content-Type": kind})
        body = form.read()
    sent = {"Content-Type": kind, **(headers or {})}
    return Call("POST", url, {"content": body, "headers": sent}, repeatable="Idempotency-Key" in sent)


def plain(value: Any) -> Any:
    """Return data as a request's JSON holds it: lists, dicts, texts, numbers and null."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY, default=to_plain))


def to_plain(value: Any) -> Any:
    """Turn a tensor, an array or a frame into lists for `orjson`; raise `TypeError` for anything else."""
    for method in ("tolist", "to_numpy"):
        if callable(getattr(value, method, None)):
            return getattr(value, method)()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _broken(call: Call, error: httpx.HTTPError | None) -> BackendUnavailable:
    if isinstance(error, httpx.ConnectError):
        return BackendUnavailable(
            f"no server answers at {call.url.split('/v1/', maxsplit=1)[0].split('?', maxsplit=1)[0]}.",
            "Start it with `cote local up`, or check the URL.",
        )
    if isinstance(error, httpx.TimeoutException):
        return BackendUnavailable(f"no answer within {TIMEOUT_S:.0f} s.", "Try again in a moment.")
    return BackendUnavailable(f"the connection broke: {error}.", "Try again in a moment.")


def _file_part(index: int, file: Any) -> tuple[str, bytes]:
    if isinstance(file, bytes):
        return f"file{index}", file
    if isinstance(file, str | Path):
        path = Path(file)
        return path.name, path.read_bytes()
    return Path(getattr(file, "name", f"file{index}")).name, file.read()
