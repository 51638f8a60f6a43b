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
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER, AUDIENCE = "https://issuer.example", "demo-audience"


@cache
def private_key(algorithm: str, which: int = 0) -> Any:
    """A private key of the kind that the algorithm takes; `which` tells several apart."""
    match algorithm:
        case "RS256":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: Any) -> str:
    """The public half."""
    encoded: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
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
