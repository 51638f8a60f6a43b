"""`model_api_request`: one predict call, for callers who have only a URL and a key."""

from __future__ import annotations

import re
from typing import Any

import httpx

from modelcote.sdk.answers import Prediction
from modelcote.sdk.run_calls import followed
from modelcote.sdk.wire import TIMEOUT_S, perform, predict_call

_ENDPOINT = re.compile(r"(.*)/v[13]/([^/]+)/[^/]+/predict")


def model_api_request(endpoint: str, data: Any, api_key: str, files: list[Any] | None = None) -> Prediction:
    """Call a model at its URL; a call that becomes a run is followed to its end.

    `data`: lists, dicts, arrays or tensors. `files`: paths, bytes or open binary files. Raises the error that the
    server answered with, and `BackendUnavailable` if no server answers.
    """
    match = _ENDPOINT.fullmatch(endpoint)
    base = f"{match[1]}/v1/projects/{match[2]}" if match else ""
    with httpx.Client(headers={"Authorization": api_key, "User-Agent": "modelcote"}, timeout=TIMEOUT_S) as http:
        return perform(http, followed(predict_call(endpoint, data, files), base))
