"""A predict request: its headers and names as the HTTP API's event (payload format 2.0) has them, and its data."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from modelcote.core.errors import BadRequest, InvalidInput, MalformedJson, PayloadTooLarge
from modelcote.core.http_rules import MULTIPART, media_type
from modelcote.core.strict_json import loads

# Bytes. In base64, as it reaches this function and as files go on to the model, it must stay under Lambda's 6 MB.
BODY_LIMIT = 4_500_000


@dataclass(frozen=True)
class Request:
    """A request for a prediction. Header names are in lower case; `text` is the body, in base64 or as it is."""

    project: str
    model: str
    headers: Mapping[str, str]
    text: str
    is_base64: bool


@dataclass(frozen=True)
class Data:
    """What the model is called with. `json` is `value` byte for byte as it was sent, `files` a JSON list or empty.

    `sent` is the request's whole body.
    """

    value: Any
    json: bytes
    files: bytes
    sent: bytes


def read_data(request: Request) -> Data:
    """Return the data of a JSON body or of a form. Raise 413, 415, 422, and 400 for a body that cannot be read."""
    kind = media_type(request.headers, MULTIPART)
    sent = body = _body(request)
    files = b""
    if kind == MULTIPART:
        # Only here: most requests are JSON, and need not wait for the parser's import.
        from modelcote.gateway.multipart import event_files, read_form

        body, parts = read_form(sent, request.headers["content-type"])
        files = event_files(parts) if parts else b""
    value = loads(body, orjson.loads)
    if not isinstance(value, list | dict):
        raise InvalidInput(
            f"the body is a JSON {type(value).__name__}, not a list or an object.",
            "Send a list of data points, for example [[1, 2, 3]].",
        )
    return Data(value, body, files, sent)


def _body(request: Request) -> bytes:
    """Return the body's bytes. Raise `PayloadTooLarge`, or `MalformedJson` where they were not UTF-8."""
    text = request.text
    if (len(text) * 3 // 4 if request.is_base64 else len(text)) > BODY_LIMIT + 2:
        raise _too_large()
    if request.is_base64:
        try:
            body = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise BadRequest("the body could not be read.", "Send it again.") from error
    else:
        body = _utf8(text)
    if len(body) > BODY_LIMIT:
        raise _too_large()
    return body


def _utf8(text: str) -> bytes:
    # The HTTP API has put U+FFFD where the bytes were not UTF-8; which ones were sent can no longer be known.
    if "\ufffd" in text:
        raise MalformedJson(
            "the body is not UTF-8, or contains U+FFFD.", "Send UTF-8, and U+FFFD, if meant, as the escape \\ufffd."
        )
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise MalformedJson("the body is not UTF-8.", "Send strict JSON in UTF-8.") from error


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"the body is larger than {BODY_LIMIT:,} bytes.", "Send fewer rows at once.", limit_bytes=BODY_LIMIT
    )
