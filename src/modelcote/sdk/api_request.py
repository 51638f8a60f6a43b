"""`model_api_request`: one predict call, for callers who hold only a URL and a key."""

from __future__ import annotations

import re
from typing import Any

import httpx

from modelcote.sdk.run_calls import followed
from modelcote.sdk.wire import TIMEOUT_S, perform, predict_call

_ENDPOINT = re.compile(r"(.*)/v[13]/([^/]+)/[^/]+/predict")


def model_api_request(endpoint: str, data: Any, api_key: str, files: list[Any] | None = None) -> dict[str, Any]:
    """The whole answer: `result, run_id, run_time_ms, prediction_ids`.

    `data`: lists, dicts, arrays or tensors. `files`: paths, bytes or open binary files. A call that became a run is
    followed to its end. Raises the error that the server answered with, and `BackendUnavailable` where none answers.
    """
    found = _ENDPOINT.fullmatch(endpoint)
    base = f"{found[1]}/v1/projects/{found[2]}" if found else ""
    with httpx.Client(headers={"Authorization": api_key, "User-Agent": "modelcote"}, timeout=TIMEOUT_S) as http:
        return perform(http, followed(predict_call(endpoint, data, files), base))
