"""`model_api_request`: one predict call, for callers who hold only a URL and a key."""

from __future__ import annotations

from typing import Any

import httpx

from modelcote.sdk.client import TIMEOUT_S, send_predict


def model_api_request(endpoint: str, data: Any, api_key: str, files: list[Any] | None = None) -> dict[str, Any]:
    """The whole answer: `result, run_id, run_time_ms, prediction_ids`.

    `data`: lists, dicts, arrays or tensors. `files`: paths, bytes or open binary files. Raises the error that the
    server answered with, and `BackendUnavailable` where none answers.
    """
    with httpx.Client(headers={"Authorization": api_key, "User-Agent": "modelcote"}, timeout=TIMEOUT_S) as http:
        return send_predict(http, endpoint, data, files)
