"""Keys and tokens for tests: signed by PyJWT where it would, by hand where it would refuse to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support import authority

ISSUER, AUDIENCE = "https://issuer.example", "demo-audience"


@cache
def private_key(algorithm: str, which: int = 0) -> Any:
    """A private key of the kind that the algorithm takes; `which` tells several apart."""
    # Past the cache, so that each `which` is a key of its own.
    return authority.private_key.__wrapped__({"RS256": "rsa", "ES256": "ec"}.get(algorithm, "ed25519"))


def pem(key: Any) -> str:
    """The public half."""
    encoded: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded.decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that are accepted, with changes; None leaves a claim out."""
    now = int(time.time())
    made = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 300, "iat": now, **changes}
    return {name: value for name, value in made.items() if value is not None}


def signed(key: Any, algorithm: str, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers)


def by_hand(header: dict[str, Any], payload: str, secret: bytes = b"") -> str:
    """A token with any header and payload text, signed with HMAC when there is a secret."""
    parts = [_b64(json.dumps(header).encode()), _b64(payload.encode())]
    signature = hmac.digest(secret, ".".join(parts).encode(), hashlib.sha256) if secret else b""
    return ".".join([*parts, _b64(signature)])


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
