"""Read what models' functions store in S3. A model's own code may write there too, so nothing of it is trusted."""

from __future__ import annotations

import json
from typing import Any

from modelcote.core.event import read_metadata
from modelcote.runs.store import RunStore

_MISSING = ("404", "NoSuchKey", "NotFound")


def head(store: RunStore, key: str) -> tuple[bool, dict[str, Any]] | None:
    """Return what `read_metadata` reads of an object; None where there is no object."""
    try:
        answer = store.s3.head_object(Bucket=store.bucket, Key=key)
    except Exception as error:
        if _is_missing(error):
            return None
        raise
    return read_metadata(answer.get("Metadata", {}), answer["ContentLength"])


def read_answer(store: RunStore, key: str, limit_bytes: int) -> dict[str, Any] | None:
    """Return a model's stored answer, `{"result": ...}` or `{"error": ...}`.

    Return None where there is no object, where it is larger than the limit (whatever its row says), or not an answer.
    """
    try:
        answer = store.s3.get_object(Bucket=store.bucket, Key=key)
    except Exception as error:
        if _is_missing(error):
            return None
        raise
    if answer["ContentLength"] > limit_bytes:
        answer["Body"].close()
        return None
    try:
        members = json.loads(answer["Body"].read())
    except (ValueError, RecursionError):
        return None
    return members if isinstance(members, dict) and members.keys() & {"result", "error"} else None


def _is_missing(error: Exception) -> bool:
    return getattr(error, "response", {}).get("Error", {}).get("Code") in _MISSING
