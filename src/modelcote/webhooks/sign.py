"""Signatures of webhooks by Standard Webhooks 1.0.0: created for a delivery, verified by a receiver.

The signed text is `{webhook-id}.{webhook-timestamp}.{body}`, the signature `v1,` and the base64 of its HMAC-SHA256,
one for each secret: while a secret is replaced, the new and the old one both sign.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets as random
from collections.abc import Mapping, Sequence

from modelcote.core.errors import Invalid

PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64
TOLERANCE_S = 300

_NEW_BYTES = 32
_MAX_CHARS = 128  # Above the base64 of the longest secret, so that no long text is ever decoded.
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_MAX_SIGNATURES = 16


def new_secret() -> str:
    """Return a new signing secret: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(random.token_bytes(_NEW_BYTES)).decode()


def check_secret(text: object) -> str:
    """Return the secret in its one spelling, `whsec_` and padded base64 of 24 to 64 bytes; raise `Invalid`."""
    return PREFIX + base64.b64encode(_key(text)).decode()


def headers(webhook_id: str, at_s: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Return the three headers of one attempt.

    `webhook_id` is the same for all attempts; `at_s` is the time of this one in whole Unix seconds; `body` is
    what is sent, byte for byte; `secrets` are those in force, the newest first. Raise `ValueError` without a secret
    or for an id with a full stop, which would make the signed text ambiguous, and `Invalid` for an invalid secret.
    """
    if not secrets:
        raise ValueError("a webhook needs at least one secret: it is never sent unsigned.")
    if not webhook_id or "." in webhook_id:
        raise ValueError("a webhook id must not be empty or contain a full stop. Use letters, digits, `_` and `-`.")
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{_signature(webhook_id, str(at_s), body, secret)}" for secret in secrets),
    }


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now_s: float, tolerance_s: float = TOLERANCE_S
) -> None:
    """Check that one signature is right for one of the secrets and the time within `tolerance_s` of `now_s`.

    Header names may have any case; times are Unix seconds. Raise `Invalid`, whose `field` is the wrong header. Every
    signature is compared with every secret in constant time.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        if not sent.get(name):
            raise Invalid(f"the header {name} is missing.", "Send all three webhook headers.", field=name)
    stamp = sent["webhook-timestamp"]
    if not _TIMESTAMP.fullmatch(stamp) or abs(now_s - int(stamp)) > tolerance_s:
        raise Invalid(
            f"webhook-timestamp is not a time in Unix seconds within {tolerance_s:g} s of this clock.",
            "Set the clock, or discard the delivery: it may be a replay.",
            field="webhook-timestamp",
        )
    right = False
    signatures = sent["webhook-signature"].split(" ")[:_MAX_SIGNATURES]
    for secret in secrets:
        expected = f"v1,{_signature(sent['webhook-id'], stamp, body, secret)}".encode()
        for signature in signatures:
            right |= hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
    if not right:
        raise Invalid(
            "webhook-signature has no signature of this id, time and body by any of the secrets.",
            "Check the secret, and verify the body as it arrived, before any parsing.",
            field="webhook-signature",
        )


def _signature(webhook_id: str, stamp: str, body: bytes, secret: str) -> str:
    text = b".".join((webhook_id.encode("utf-8", "replace"), stamp.encode(), body))
    return base64.b64encode(hmac.digest(_key(secret), text, "sha256")).decode()


def _key(text: object) -> bytes:
    refusal = Invalid(
        f"a signing secret is `{PREFIX}` and the base64 of {MIN_BYTES} to {MAX_BYTES} random bytes.",
        "Omit it to have one created, or create it with `openssl rand -base64 32`.",
        field="secret",
    )
    if not isinstance(text, str) or not text.startswith(PREFIX) or len(text) > _MAX_CHARS:
        raise refusal
    encoded = text.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError as error:
        raise refusal from error
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise refusal
    return key
