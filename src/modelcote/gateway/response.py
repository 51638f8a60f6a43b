"""The answer to the caller, spliced from the model's own without reading the result."""

from __future__ import annotations

import json
import os
import re

import orjson

from modelcote.core.errors import ModelCrashed, PayloadTooLarge, from_problem

# Lambda's limit for the gateway's own answer, in which the body stands as a JSON string; the rest is for headers.
ANSWER_LIMIT = 6 * 1024 * 1024 - 16 * 1024
_POINTS = re.compile(rb',"points":(\d{1,9})\}\s*\Z')
_ID_LENGTH = 35  # With its quotes and comma.


def splice(answer: bytes, run_id: str) -> str:
    """`result, run_id, run_time_ms, prediction_ids`: the model's answer, its `points` exchanged for as many ids.

    Raises the error that the model's answer holds, `ModelCrashed` for none that can be read, and `PayloadTooLarge`.
    """
    points = None if answer.startswith(b'{"error"') else _POINTS.search(answer, max(0, len(answer) - 40))
    head, count = (answer[: points.start()], int(points[1])) if points else _read(answer)
    _check_size(len(head) + _ID_LENGTH * count)
    made = f'{head.decode()},"run_id":"{run_id}","prediction_ids":{_ids(count)}}}'
    if len(made) > ANSWER_LIMIT // 6:  # No character takes more than six as an escape.
        _check_size(len(json.dumps(made)))
    return made


def _read(answer: bytes) -> tuple[bytes, int]:
    """The answer up to where the ids go, and their number, of one that is an error or in another order."""
    try:
        members = orjson.loads(answer)
        problem = members.get("error")
        if problem is None:
            head = orjson.dumps({"result": members["result"], "run_time_ms": members["run_time_ms"]})[:-1]
            return head, int(members["points"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelCrashed("the model's function gave no answer that can be read.", "Deploy it again.") from error
    raise from_problem(problem)


def _ids(count: int) -> str:
    """A JSON list of random UUIDs (version 4), without hyphens; one call for all of them."""
    if not count:
        return "[]"
    digits = os.urandom(16 * count).hex()
    made = [
        f"{digits[at : at + 12]}4{digits[at + 13 : at + 16]}a{digits[at + 17 : at + 32]}"
        for at in range(0, 32 * count, 32)
    ]
    return '["' + '","'.join(made) + '"]'


def _check_size(size: int) -> None:
    if size > ANSWER_LIMIT:
        raise PayloadTooLarge("the answer would be larger than 6 MB.", "Send fewer rows at once.")
