"""What goes through the gateway: the model's event, and the answer to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelcote.core.event import event_json

# A webhook and its credentials, in the body or in headers. Either alone asks for the background too, where it is
# refused: credentials never go on to the model.
WEBHOOK_MEMBERS = frozenset({"webhook_endpoint", "webhook_auth"})
WEBHOOK_HEADERS = frozenset({"x-modelcote-webhook", "x-modelcote-webhook-auth"})
# Body, status, headers.
Reply = tuple[str, int, Mapping[str, str]]


@dataclass(frozen=True)
class Event:
    """What the model is called with: `data` parsed, `body` and `files` as JSON, byte for byte as they were sent."""

    data: Any
    body: bytes
    files: bytes
    run_id: str

    def to_json(self) -> bytes:
        return event_json(self.body, self.files, self.run_id)


def prefers_async(headers: Mapping[str, str]) -> bool:
    """Whether the request says `Prefer: respond-async` (RFC 7240)."""
    return "respond-async" in headers.get("prefer", "").lower()
