"""From an `Authorization` header to a caller. Without boto3, since the gateway does this on every request.

Every refusal is the same error with the same text, after the same work: one read and one comparison in constant
time, whether the key is malformed, unknown, expired, revoked or wrong.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time

from modelcote.aws.items import GetItem
from modelcote.identity.records import ApiKey
from modelcote.identity.scopes import Caller, refused

_KEY = re.compile(r"mc_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_NO_KEY = ApiKey("0" * 16, "", "", (), "0" * 64, "")
_MAX_TOKEN = 8 * 1024  # Characters; a signed token with a few claims has under 2,000.


def authenticate(authorization: str | None, get: GetItem) -> Caller:
    """Return the caller of a raw API key, `Bearer <API key>` or `Bearer <JWT>`; raises `Unauthorized`."""
    credential = (authorization or "").strip()
    scheme, _, rest = credential.partition(" ")
    if scheme.lower() == "bearer":
        credential = rest.strip()
    if credential.count(".") == 2 and len(credential) <= _MAX_TOKEN:
        # Only here, since PyJWT and its cryptography take longer to import than all the rest.
        from modelcote.identity.tokens import verify_token

        return verify_token(credential, get)
    return _of_key(credential, get)


def _of_key(credential: str, get: GetItem) -> Caller:
    parts = _KEY.fullmatch(credential)
    key_id, secret = parts.groups() if parts else (_NO_KEY.key_id, "")
    item = get(f"KEY#{key_id}", "KEY")
    key = ApiKey.from_item(item) if item else _NO_KEY
    same = hmac.compare_digest(hashlib.sha256(secret.encode()).hexdigest(), key.secret_sha256)
    active = key.active(time.time())
    if not (parts and item and same and active):
        raise refused()
    return Caller(key.project, key.scopes, key.key_id)
