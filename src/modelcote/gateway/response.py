"""The answer to the caller: the model's own, with its ids; the result is not parsed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from modelcote.core.errors import ModelCrashed, from_problem
from modelcote.core.event import read_answer, too_large

# Lambda's limit for the gateway's own answer, in which the body is a JSON string; the rest is for headers.
ANSWER_LIMIT = 6 * 1024 * 1024 - 16 * 1024
# Body, status, headers.
Reply = tuple[str, int, Mapping[str, str]]
_ID_LENGTH = 35  # With its quotes and comma.


def respond(answer: bytes, run_id: str) -> str:
    """Return `result, run_id, run_time_ms, prediction_ids`: the model's answer, its `points` exchanged for as many ids.

    Raise the error that the model's answer holds, `ModelCrashed` for an unreadable one, and `PayloadTooLarge`.
    """
    try:
        head, _, points, problem = read_answer(answer)
        text = head.decode()
    except ValueError as error:
        raise ModelCrashed("the model's function gave no answer that can be read.", "Deploy it again.") from error
    if problem is not None:
        raise from_problem(problem)
    _check_size(len(head) + _ID_LENGTH * points)
    body = f'{text},"run_id":"{run_id}","prediction_ids":{_ids(points)}}}'
    if len(body) > ANSWER_LIMIT // 6:  # No character takes more than six as an escape.
        _check_size(len(json.dumps(body)))
    return body


def _ids(count: int) -> str:
    """Return a JSON list of random UUIDs (version 4), without hyphens; one system call for all of them."""
    if not count:
        return "[]"
    digits = os.urandom(16 * count).hex()
    ids = [
        f"{digits[at : at + 12]}4{digits[at + 13 : at + 16]}a{digits[at + 17 : at + 32]}"
        for at in range(0, 32 * count, 32)
    ]
    return '["' + '","'.join(ids) + '"]'


def _check_size(size: int) -> None:
    if size > ANSWER_LIMIT:
        raise too_large()
