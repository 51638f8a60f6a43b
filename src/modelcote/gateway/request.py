"""An HTTP API event (payload format 2.0) as a request that can be answered, or the error that says why not."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelcote.core.errors import (
    BadRequest,
    HeadersTooLarge,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from modelcote.core.names import MODEL_NAME, PROJECT_NAME

# Bytes. In base64, as it reaches this function and as files go on to the model, it must stay under Lambda's 6 MB.
BODY_LIMIT = 4_500_000
HEADER_LIMIT = 10 * 1024  # An HTTP API's own limit for all headers.
MULTIPART = "multipart/form-data"
_PATH = re.compile(r"/v[13]/([^/]+)/([^/]+)/predict")


@dataclass(frozen=True)
class Request:
    """Who is asked what. Header names are in lower case; the body has not been looked at yet."""

    project: str
    model: str
    authorization: str | None
    content_type: str
    event: Mapping[str, Any]


def request_id_of(event: Mapping[str, Any]) -> str:
    """The id that the HTTP API gave the request."""
    return str(event.get("requestContext", {}).get("requestId", ""))


def read_request(event: Mapping[str, Any]) -> Request:
    """The request of an event, everything but its body checked. Raises 400, 404, 405 and 431."""
    method = event["requestContext"]["http"]["method"]
    if method != "POST":
        raise MethodNotAllowed(f"{method} is not a method of predict.", "Use POST.", allow="POST")
    project, model = _names(event["rawPath"])
    headers = event.get("headers") or {}
    _check_headers(headers)
    return Request(project, model, headers.get("authorization"), headers.get("content-type", ""), event)


def _names(path: str) -> tuple[str, str]:
    found = _PATH.search(path)
    if not found or found.end() != len(path):
        raise NotFound("there is nothing at this path.", "POST to /v1/{project}/{model}/predict.")
    project, model = found.groups()
    if not PROJECT_NAME.fullmatch(project) or not MODEL_NAME.fullmatch(model):
        raise unknown_model(model)
    return project, model


def unknown_model(model: str) -> NotFound:
    """The one answer for a model that is not there, and for one that is another project's."""
    return NotFound(f"there is no model {ascii(model)[:60]} in this project.", "List the models with `cote ls`.")


def _check_headers(headers: Mapping[str, str]) -> None:
    # A credential has its own limit, and its own answer.
    size = sum(len(name) + len(value) + 4 for name, value in headers.items() if name != "authorization")
    if size > HEADER_LIMIT:
        raise HeadersTooLarge(f"the headers have {size} bytes.", f"Send at most {HEADER_LIMIT} bytes of headers.")
    # The HTTP API joins headers of one name with a comma, which stands in no key and no token.
    if "," in headers.get("authorization", ""):
        raise BadRequest("the request has two Authorization headers.", "Send one.")


def check_content(request: Request) -> str:
    """The body's media type: `application/json` (or one ending in `+json`, or none given) or `multipart/form-data`.

    Raises `UnsupportedMediaType` for another, for a charset other than UTF-8 and for a compressed body.
    """
    headers = request.event.get("headers") or {}
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedMediaType(
            f"the content coding {ascii(coding)[:40]} is not taken.", "Send the body uncompressed."
        )
    kind, _, parameters = request.content_type.partition(";")
    kind = kind.strip().lower()
    if kind == MULTIPART:
        return MULTIPART
    if kind not in ("", "application/json") and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType(
            f"the content type {ascii(kind)[:60]} is not taken.", f"Send application/json or {MULTIPART}."
        )
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if parameters.strip().lower().startswith("charset=") and charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"the charset {ascii(charset)[:40]} is not taken.", "Send JSON in UTF-8.")
    return "application/json"


def read_body(event: Mapping[str, Any]) -> bytes:
    """The body's bytes. Raises `PayloadTooLarge`, and `MalformedJson` where they were not UTF-8."""
    body = event.get("body") or ""
    encoded = bool(event.get("isBase64Encoded"))
    if (len(body) * 3 // 4 if encoded else len(body)) > BODY_LIMIT + 2:
        raise _too_large()
    if encoded:
        try:
            data = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise BadRequest("the body could not be read.", "Send it again.") from error
    else:
        data = _text(body)
    if len(data) > BODY_LIMIT:
        raise _too_large()
    return data


def _text(body: str) -> bytes:
    # The HTTP API has put U+FFFD where the bytes were not UTF-8; which ones the sender meant cannot be told any more.
    if "\ufffd" in body:
        raise MalformedJson(
            "the body is not UTF-8, or holds U+FFFD.", "Send UTF-8, and U+FFFD as the escape \\ufffd if it is meant."
        )
    try:
        return body.encode()
    except UnicodeEncodeError as error:
        raise MalformedJson("the body is not UTF-8.", "Send strict JSON in UTF-8.") from error


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"the body is larger than {BODY_LIMIT:,} bytes.", "Send fewer rows at once.", limit_bytes=BODY_LIMIT
    )
