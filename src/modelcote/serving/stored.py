"""Answers that are kept: the model's function reads long inputs from S3 and writes results there itself.

So a result passes through no queue, no worker and no state machine, and what its caller did not wait for is not
lost. The event says so in its member `store`: `{"key", "keep_days", "after_s"?}`; with
`after_s` (a synchronous call) only what took longer than that many seconds is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from modelcote.aws.http import aws_client
from modelcote.aws.services import S3, AwsError, tagging
from modelcote.core.errors import BackendUnavailable, to_problem
from modelcote.core.log import log

Predict = Callable[[Mapping[str, Any]], bytes]
_TAIL = re.compile(rb'"run_time_ms":([0-9.eE+-]+),"points":(\d+)\}\s*\Z')


def predict_and_store(predict: Predict, event: Mapping[str, Any]) -> bytes:
    """The result is written and `{"stored": {"key", "bytes", "sha256", "run_time_ms", "points"}}` is answered.

    An error is answered as it is, and not written.
    """
    s3, bucket = _s3(), os.environ["MODELCOTE_BUCKET"]
    try:
        answer = predict(_whole(s3, bucket, event))
        if answer.startswith(b'{"error"'):
            return answer
        return json.dumps({"stored": _write(s3, bucket, event["store"], answer)}).encode()
    except AwsError as error:
        code = error.response["Error"]["Code"]
        unreachable = BackendUnavailable(f"the run's objects could not be reached ({code}).", "Try again in a moment.")
        return json.dumps({"error": to_problem(unreachable)}).encode()


def keep(wish: Mapping[str, Any], answer: bytes) -> bytes:
    """The answer, a result or an error, also written: its caller has perhaps stopped waiting."""
    try:
        _write(_s3(), os.environ["MODELCOTE_BUCKET"], wish, answer)
    except AwsError as error:
        # A caller who still waits has his answer all the same; a run that nobody waits for is tried again.
        log("answer not kept", reason=str(error)[:200])
    return answer


@cache
def _s3() -> S3:
    """One kept connection: the function answers one event at a time."""
    return S3(aws_client("s3"))


def _whole(s3: S3, bucket: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    if "input_key" not in event:
        return event
    read: Mapping[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=event["input_key"])["Body"].read())
    return {**event, **read}


def _write(s3: S3, bucket: str, wish: Mapping[str, Any], answer: bytes) -> dict[str, Any]:
    tail = _TAIL.search(answer, max(0, len(answer) - 80))
    took, points = (float(tail[1]), int(tail[2])) if tail else (0.0, 0)
    digest = hashlib.sha256(answer).hexdigest()
    s3.put_object(
        Bucket=bucket,
        Key=wish["key"],
        Body=answer,
        ContentType="application/json",
        Metadata={
            "outcome": "failed" if answer.startswith(b'{"error"') else "succeeded",
            "sha256": digest,
            "run-time-ms": str(took),
            "points": str(points),
        },
        Tagging=tagging(keep_days=wish["keep_days"]),
    )
    return {"key": wish["key"], "bytes": len(answer), "sha256": digest, "run_time_ms": took, "points": points}
