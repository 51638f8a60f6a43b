"""HTTP API events (payload format 2.0), made as AWS makes them."""

from __future__ import annotations

import base64
import uuid
from typing import Any

_TEXT = ("application/json", "application/xml", "application/javascript")


def predict_event(
    body: bytes = b"[[1, 2]]",
    *,
    path: str = "/v1/demo/iris/predict",
    method: str = "POST",
    headers: dict[str, str | None] | None = None,
    key: str | None = None,
) -> dict[str, Any]:
    """A predict request. A header of None is left out; text bodies travel as text, all others in base64."""
    made = {"content-type": "application/json", "host": "x", "authorization": key, **(headers or {})}
    sent = {name: value for name, value in made.items() if value is not None}
    kind = sent.get("content-type", "").split(";")[0].strip().lower()
    text = kind.startswith("text/") or kind in _TEXT
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "POST /v1/{project}/{model}/predict",
        "rawPath": path,
        "rawQueryString": "",
        "headers": sent,
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "requestId": uuid.uuid4().hex,
            "stage": "$default",
        },
        "isBase64Encoded": bool(body) and not text,
    }
    if body:
        event["body"] = body.decode(errors="replace") if text else base64.b64encode(body).decode()
    return event
