"""`model_api_request`: one predict call, for callers who have only a URL and a key."""

from __future__ import annotations

import re
from typing import Any

import httpx

from modelcote.sdk.answers import Prediction
from modelcote.sdk.config import Target
from modelcote.sdk.run_calls import RunCalls
from modelcote.sdk.wire import TIMEOUT_S, Steps, answering, perform, predict_call

_ENDPOINT = re.compile(r"(.*)/v[13]/([^/]+)/[^/]+/predict")


def model_api_request(endpoint: str, data: Any, api_key: str, files: list[Any] | None = None) -> Prediction:
    """Call a model at its URL; a call that becomes a run is followed to its end.

    `data`: lists, dicts, arrays or tensors. `files`: paths, bytes or open binary files. Raises the error that the
    server answered with, and `BackendUnavailable` if no server answers.
    """
    call, match = predict_call(endpoint, data, files), _ENDPOINT.fullmatch(endpoint)
    steps: Steps[Prediction] = RunCalls(Target(match[1], api_key, match[2])).follow(call) if match else answering(call)
    with httpx.Client(headers={"Authorization": api_key, "User-Agent": "modelcote"}, timeout=TIMEOUT_S) as http:
        return perform(http, steps)
