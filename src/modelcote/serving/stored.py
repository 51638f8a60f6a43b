"""Stored answers: the model's function reads long inputs from S3 and writes results there itself.

So a result passes through no queue, worker or state machine, and one whose caller has stopped waiting is not lost. An
event asks for it by its store request (`modelcote.core.event`).
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import Any

from modelcote.aws.http import aws_client
from modelcote.aws.services import S3, AwsError, tagging
from modelcote.core.errors import BackendUnavailable, ModelTimeout, to_problem
from modelcote.core.event import Stored, StoreRequest, error_json, is_error, read_answer, stored_json, stored_metadata
from modelcote.core.log import log

Predict = Callable[[Mapping[str, Any]], bytes]


def predict_and_store(predict: Predict, event: Mapping[str, Any], request: StoreRequest) -> bytes:
    """Store the result and return where it is; an error is returned as it is, and not stored."""
    s3 = _s3()
    try:
        whole = _whole(s3, event)
        with _limited(request):
            answer = predict(whole)
        return answer if is_error(answer) else stored_json(_write(s3, request, answer))
    except AwsError as error:
        code = error.response["Error"]["Code"]
        unreachable = BackendUnavailable(f"the run's objects could not be reached ({code}).", "Try again in a moment.")
        return error_json(to_problem(unreachable))


@contextmanager
def _limited(request: StoreRequest) -> Iterator[None]:
    """End this process where what is inside takes longer than the request's limit, as Lambda does at its own.

    The timeout is stored first: to the function's caller, it looks like a process that died.
    """
    limit_s = request.get("limit_s")
    if limit_s is None:
        yield
        return
    started, turn = perf_counter(), threading.Lock()

    def end() -> None:
        if turn.acquire(blocking=False):
            try:
                keep(request, error_json(to_problem(_too_long(limit_s, perf_counter() - started))))
            finally:
                os._exit(1)

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        turn.acquire()  # Until the process ends, where the timer was first.


def _too_long(limit_s: float, took_s: float) -> ModelTimeout:
    return ModelTimeout(
        f"the model took longer than {limit_s:g} seconds.",
        "Send fewer rows, or raise the run's limit.",
        run_time_ms=int(took_s * 1000),
    )


def keep(request: StoreRequest, answer: bytes) -> bytes:
    """Store the answer, a result or an error, and return it: its caller may have stopped waiting."""
    try:
        _write(_s3(), request, answer)
    except AwsError as error:
        # A caller who still waits has the answer all the same; a run whose caller does not is tried again.
        log("answer not kept", reason=str(error)[:200])
    return answer


@cache
def _s3() -> S3:
    """Return the one connection that is kept: the function answers one event at a time."""
    return S3(aws_client("s3"))


def _whole(s3: S3, event: Mapping[str, Any]) -> Mapping[str, Any]:
    if "input_key" not in event:
        return event
    body = s3.get_object(Bucket=os.environ["MODELCOTE_BUCKET"], Key=event["input_key"])["Body"]
    return {**event, **json.loads(body.read())}


def _write(s3: S3, request: StoreRequest, answer: bytes) -> Stored:
    content = read_answer(answer)
    stored = Stored(len(answer), hashlib.sha256(answer).hexdigest(), content.run_time_ms, content.points)
    s3.put_object(
        Bucket=os.environ["MODELCOTE_BUCKET"],
        Key=request["key"],
        Body=answer,
        ContentType="application/json",
        Metadata=stored_metadata(stored, failed=content.problem is not None),
        Tagging=tagging(keep_days=request["keep_days"]),
    )
    return stored
