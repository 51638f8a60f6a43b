"""Whether a predict call becomes a run, and with what options."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelcote.core.errors import Invalid, MalformedJson
from modelcote.core.runs import ASYNC
from modelcote.core.strict_json import loads
from modelcote.gateway.request import Data, Request
from modelcote.gateway.routes import PredictRoute, RunForm

# A webhook and its credentials. Either alone makes a run too, where it is refused: credentials never reach the model.
_MEMBERS = frozenset({"webhook_endpoint", "webhook_auth"})
_WEBHOOK, _AUTH = "x-modelcote-webhook", "x-modelcote-webhook-auth"


@dataclass(frozen=True)
class RunOptions:
    """The options of a call that becomes a run, as they were sent; None: not sent.

    `data` is without the webhook and its credentials. `prefers_async`: the header `Prefer` requested the run.
    """

    form: RunForm
    data: Data
    headers: Mapping[str, str]
    prefers_async: bool
    webhook_url: Any
    webhook_auth: Any

    @classmethod
    def read(cls, route: PredictRoute, request: Request, data: Data, mode: str) -> RunOptions | None:
        """Return the options, or None for a call that is to be answered; raise `Invalid`. `mode` is the model's."""
        headers = request.headers
        prefers = "respond-async" in headers.get("prefer", "").lower()  # RFC 7240
        in_body = isinstance(data.value, dict) and not _MEMBERS.isdisjoint(data.value)
        if not (in_body or prefers or mode == ASYNC or _WEBHOOK in headers or _AUTH in headers):
            return None
        form, url, auth = route.runs, headers.get(_WEBHOOK), None
        if _AUTH in headers:
            auth = _auth_of(headers[_AUTH])
        if in_body:
            # Not orjson, which would make floats of whole numbers beyond 64 bits.
            members = json.loads(data.json)
            if "webhook_endpoint" in members:
                # A null is as wrong as any other value that is not a URL.
                url = members.pop("webhook_endpoint") or ""
                form = form if prefers or _WEBHOOK in headers else route.callbacks
            auth = members.pop("webhook_auth", auth)
            text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
            data = replace(data, value=members, json=text.encode())
        return cls(form, data, headers, prefers, url, auth)


def _auth_of(header: str) -> Any:
    try:
        return loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError, MalformedJson) as error:
        raise Invalid(
            f"the header {_AUTH} cannot be read.",
            'Send base64url of JSON such as {"kind": "basic", "username": "u", "password": "p"}.',
            field="webhook_auth",
        ) from error
