"""Reading a result: by value, or by a presigned URL where it is large."""

from __future__ import annotations

from typing import Any

from modelcote.core.errors import Conflict, NotFound
from modelcote.core.runs import SUCCEEDED
from modelcote.runs.answers import read_answer
from modelcote.runs.records import Run
from modelcote.runs.store import RunStore

CONTENT_TYPE = "application/json"


def readable(store: RunStore, run: Run) -> bool:
    """Tell whether there is a result that has not expired."""
    return run.state == SUCCEEDED and store.clock() < run.result_until_s


def result_members(store: RunStore, run: Run, limit_bytes: int) -> dict[str, Any]:
    """Return `{"result": value}`, or of more than `limit_bytes` the reference; empty where there is none to read.

    The reference is `result_url` (presigned, for an hour; a GET returns the model's whole answer, in which `result` is
    a member), `sha256`, `bytes`, `content_type`.
    """
    if not readable(store, run):
        return {}
    if run.result_bytes > limit_bytes:
        return reference(store, run)
    answer = read_answer(store, run.result_key, limit_bytes)
    # An object that is not what its row says is for the caller to look at.
    return {"result": answer["result"]} if answer and "result" in answer else reference(store, run)


def reference(store: RunStore, run: Run) -> dict[str, Any]:
    """Return where the result can be fetched for a while."""
    url = store.s3.generate_presigned_url(
        "get_object",
        Params={"Bucket": store.bucket, "Key": run.result_key},
        ExpiresIn=int(max(1, min(store.policy.result_url_s, run.result_until_s - store.clock()))),
    )
    return {
        "result_url": url,
        "sha256": run.result_sha256,
        "bytes": run.result_bytes,
        "content_type": CONTENT_TYPE,
    }


def require_result(store: RunStore, run: Run) -> None:
    """Raise `Conflict` for a run without a result, and `NotFound` for one whose result has expired."""
    if run.open:
        raise Conflict(f"the run is {run.state}: it has no result yet.", "Wait for it, with ?wait=20.")
    if run.state != SUCCEEDED:
        raise Conflict(f"the run is {run.state}: it has no result.", "Look at its error.")
    if not readable(store, run):
        raise NotFound("the run's result has expired.", "Submit it again, with a longer result_ttl_s.")
