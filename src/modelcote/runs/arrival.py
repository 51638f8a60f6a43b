"""S3's notice of an object under `detached/`."""

from __future__ import annotations

import json
from urllib.parse import unquote_plus

from modelcote.core.objects import parse_result_key
from modelcote.core.runs import RUNNING, is_run_id
from modelcote.runs.settle import settle_stored
from modelcote.runs.store import RunStore


def settle_arrival(store: RunStore, body: str) -> list[str]:
    """Completes the runs whose first attempt's result has arrived; their ids.

    One without a run was answered in time after all; or its run is being written, and the watchdog, to which it is due
    in a few seconds, finds the object.
    """
    settled = []
    for record in json.loads(body).get("Records", ()):  # S3's test event, sent once, has none.
        try:
            key = parse_result_key(unquote_plus(record["s3"]["object"]["key"]))
        except ValueError:
            continue  # A model's own code may have written it.
        run = store.find(key.project, key.run_id) if is_run_id(key.run_id) else None
        if run is not None and run.state == RUNNING and run.attempt == 1 and run.detached and settle_stored(store, run):
            settled.append(run.run_id)
    return settled
