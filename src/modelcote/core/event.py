"""The event that a model's function is called with, and its answer: this file writes and reads both.

Event: `{"data", "files"?, "run_id"}`; of a long input `{"input_key", "run_id"}`, the object then holds the event.
With `"store": {"key", "keep_days", "after_s"?, "limit_s"?}` the function writes its answer to the bucket
(`StoreRequest`).

Answer: `{"result", "run_time_ms", "points"}` or `{"error": problem}`; of a result that was stored
`{"stored": {"bytes", "sha256", "run_time_ms", "points"}}`.

A request's data and a model's result travel byte for byte as they were sent: they are spliced here, never parsed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple, NotRequired, TypedDict

from modelcote.core.errors import PayloadTooLarge

# Lambda's limit for a synchronous answer: 6 MB. A larger one ends the function's process.
ANSWER_BYTES = 6_291_456
_ERROR, _RESULT = b'{"error":', b'{"result":'
_RUN_TIME, _POINTS = b',"run_time_ms":', b',"points":'
_TAIL_BYTES = 80  # Both numbers with their names.


class StoreRequest(TypedDict):
    """Where the model's function writes its answer. With `after_s`, only one that took longer than that.

    `limit_s` is how long the model itself may take: neither a wait for a replica nor a cold start counts.
    """

    key: str
    keep_days: int
    after_s: NotRequired[float]
    limit_s: NotRequired[float]


def event_json(data: bytes, files: bytes, run_id: str) -> bytes:
    """Return the event for a request's data and its files (a JSON list, or empty), both JSON as they were sent."""
    return b'{"data":%b,"run_id":"%b"%b}' % (data, run_id.encode(), b',"files":' + files if files else b"")


def long_event_json(input_key: str, run_id: str) -> bytes:
    """Return the event whose data is in the bucket."""
    return json.dumps({"input_key": input_key, "run_id": run_id}).encode()


def with_store_request(event: bytes, request: StoreRequest) -> bytes:
    """Return the event, which has no store request yet, with this one."""
    # By hand, which is faster: all but the key are numbers, and no key has a character that needs an escape.
    numbers = "".join(f',"{name}":{value}' for name, value in request.items() if name != "key")
    key = request["key"]
    return event.removesuffix(b"}") + f',"store":{{"key":"{key}"{numbers}}}}}'.encode()


def store_request(event: Mapping[str, Any]) -> StoreRequest | None:
    """Return the event's store request, or None."""
    request: StoreRequest | None = event.get("store")
    return request


class Answer(NamedTuple):
    """A model's answer. `head` is its JSON up to `run_time_ms`, without the closing brace; empty for an error."""

    head: bytes = b""
    run_time_ms: float = 0.0
    points: int = 0
    problem: Mapping[str, Any] | None = None


def answer_members(result: Any, run_time_ms: float, points: int) -> dict[str, Any]:
    """Return the members of an answer in the order in which `read_answer` finds them fastest."""
    return {"result": result, "run_time_ms": run_time_ms, "points": points}


def too_large() -> PayloadTooLarge:
    """Return the error for an answer above `ANSWER_BYTES`."""
    return PayloadTooLarge(
        "the answer is larger than 6 MB.",
        "Send fewer rows at once, or send them as a run, whose result is stored: `Prefer: respond-async`.",
    )


def error_json(problem: Mapping[str, Any]) -> bytes:
    """Return the answer for an error."""
    return _ERROR + json.dumps(problem, separators=(",", ":")).encode() + b"}"


def is_error(answer: bytes) -> bool:
    """Return whether `error_json` made the answer."""
    return answer.startswith(_ERROR)


def read_answer(answer: bytes) -> Answer:
    """Return what the answer says, its result unparsed where its members are in our order. Raise `ValueError`."""
    points_at = answer.rfind(_POINTS, -_TAIL_BYTES)
    run_time_at = answer.rfind(_RUN_TIME, -_TAIL_BYTES)
    run_time, points = answer[run_time_at + len(_RUN_TIME) : points_at], answer[points_at + len(_POINTS) : -1]
    if 0 < run_time_at < points_at and points.isdigit() and answer.startswith(_RESULT) and answer.endswith(b"}"):
        with suppress(ValueError):  # Another member came between the two.
            return Answer(answer[:points_at], float(run_time), int(points))
    return _parsed(answer)


def _parsed(answer: bytes) -> Answer:
    """Return what an error says, or a result whose members are in another order than ours."""
    try:
        members = json.loads(answer, parse_constant=_refuse)
        if members.get("error") is not None:
            return Answer(problem=members["error"])
        run_time_ms, points = float(members["run_time_ms"]), int(members["points"])
        if points < 0:
            raise ValueError("points below 0")
        head = json.dumps({"result": members["result"], "run_time_ms": run_time_ms}, separators=(",", ":"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("the model's function gave no answer that can be read.") from error
    return Answer(head[:-1].encode(), run_time_ms, points)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


class Stored(NamedTuple):
    """A stored answer: size and sha256 (hexadecimal) of its object, and what the answer says of itself."""

    size: int
    sha256: str
    run_time_ms: float
    points: int


def stored_json(stored: Stored) -> bytes:
    """Return the answer for a result that was stored."""
    size, sha256, run_time_ms, points = stored
    members = {"bytes": size, "sha256": sha256, "run_time_ms": run_time_ms, "points": points}
    return json.dumps({"stored": members}).encode()


def read_stored(members: Mapping[str, Any]) -> Stored:
    """Return the members of `stored`, which a model's own code may have written.

    Raise `ValueError`, `TypeError`, `KeyError` or `OverflowError`, also for numbers that a table cannot hold.
    """
    size, points, run_time_ms = int(members["bytes"]), int(members["points"]), float(members["run_time_ms"])
    if not (math.isfinite(run_time_ms) and abs(size) < 1 << 53 and abs(points) < 1 << 53):
        raise ValueError("a number is too large")
    return Stored(size, str(members["sha256"])[:64], run_time_ms, points)


def stored_metadata(stored: Stored, *, failed: bool) -> dict[str, str]:
    """Return the metadata of a stored answer's object."""
    _, sha256, run_time_ms, points = stored
    outcome = "failed" if failed else "succeeded"
    return {"outcome": outcome, "sha256": sha256, "run-time-ms": str(run_time_ms), "points": str(points)}


def read_metadata(metadata: Mapping[str, str], size: int) -> tuple[bool, dict[str, Any]]:
    """Return whether an object's metadata says that the prediction failed, and the members for `read_stored`."""
    return metadata.get("outcome") == "failed", {
        "bytes": size,
        "sha256": metadata.get("sha256", ""),
        "run_time_ms": metadata.get("run-time-ms", 0),
        "points": metadata.get("points", 0),
    }
