"""The rules for an HTTP request and its error that every interface keeps: gateway, control API and dialects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from modelcote.core.errors import BadRequest, HeadersTooLarge, ModelcoteError, UnsupportedMediaType
from modelcote.core.texts import quoted

HEADER_LIMIT: Final = 10 * 1024  # Bytes; an HTTP API's own limit for all headers.
JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
PROBLEM: Final = "application/problem+json"
CHALLENGE: Final = 'Bearer realm="modelcote"'


def check_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Raise `HeadersTooLarge`, or `BadRequest` for two Authorization headers; names are in lower case."""
    size = credentials = 0
    for name, value in headers:
        if name == "authorization":
            # A credential has a limit and an error of its own. An HTTP API joins headers of one name with a comma,
            # which no key and no token contains.
            credentials += 1 + value.count(",")
        else:
            size += len(name) + len(value) + 4
    if size > HEADER_LIMIT:
        raise HeadersTooLarge(f"the headers have {size} bytes.", f"Send at most {HEADER_LIMIT} bytes of headers.")
    if credentials > 1:
        raise BadRequest("the request has two Authorization headers.", "Send one.")


def media_type(headers: Mapping[str, str], *others: str) -> str:
    """Return the body's media type: JSON (also one ending in `+json`, or none given), or one of `others`.

    Raise `UnsupportedMediaType` for another, for a charset other than UTF-8 and for a compressed body.
    """
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedMediaType(f"unsupported content coding {quoted(coding, 40)}.", "Send the body uncompressed.")
    kind, _, parameters = headers.get("content-type", "").lower().partition(";")
    kind, parameters = kind.strip(), parameters.strip()
    if kind in others:
        return kind
    if kind not in ("", JSON) and not (kind.startswith("application/") and kind.endswith("+json")):
        accepted = " or ".join((JSON, *others))
        raise UnsupportedMediaType(f"unsupported content type {quoted(kind)}.", f"Send {accepted}.")
    charset = parameters.removeprefix("charset=").strip('"')
    if parameters.startswith("charset=") and charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"unsupported charset {quoted(charset, 40)}.", "Send JSON in UTF-8.")
    return JSON


def error_headers(error: ModelcoteError, challenge: str = CHALLENGE) -> dict[str, str]:
    """Return the headers that an error's status requires; `challenge` is a 401's (RFC 9110, 11.6.1)."""
    match error.status:
        case 401:
            return {"www-authenticate": challenge}
        case 405:
            return {"allow": str(error.extra.get("allow", ""))}
        case 429 | 503:
            return {"retry-after": str(error.extra.get("retry_after_s", 1))}
    return {}
