"""JSON Web Tokens of issuers that a project has registered, by public key.

The key and the algorithm come from the registry alone: `alg`, `kid`, `jku` and the like in a token choose nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from modelcote.aws.items import GetItem
from modelcote.core.errors import Invalid
from modelcote.identity.records import JwtIssuer
from modelcote.identity.scopes import Caller, refused

_MIN_RSA_BITS = 2_048
_MAX_PEM = 8 * 1024
_MAX_AUDIENCES = 5
LEEWAY_S = 5  # Two clocks are never the same.


def issuer_id(issuer: str, audience: str) -> str:
    """Return the id under which an issuer and audience pair is registered: 32 hexadecimal digits."""
    return hashlib.sha256(f"{issuer}\n{audience}".encode()).hexdigest()[:32]


def algorithm_of(public_key_pem: str) -> str:
    """Return the one algorithm of a PEM public key: RS256, ES256 or EdDSA; raises `Invalid` for any other key."""
    refusal = Invalid(
        "public_key must be a PEM public key of a supported kind.",
        "Send an RSA key of 2,048 bits or more, a P-256 key or an Ed25519 key, as `-----BEGIN PUBLIC KEY-----`.",
        field="public_key",
    )
    if len(public_key_pem) > _MAX_PEM:
        raise refusal
    try:
        key = load_pem_public_key(public_key_pem.encode())
    except Exception as error:  # cryptography raises several unrelated classes for what is not a key
        raise refusal from error
    match key:
        case RSAPublicKey() if key.key_size >= _MIN_RSA_BITS:
            return "RS256"
        case EllipticCurvePublicKey(curve=SECP256R1()):
            return "ES256"
        case Ed25519PublicKey():
            return "EdDSA"
    raise refusal


def verify_token(token: str, get: GetItem) -> Caller:
    """Return the caller of a token; raises `Unauthorized` unless it is valid now, for us, from a registered issuer."""
    try:
        claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
        row = _issuer(claims, get)
        if row is None:
            raise refused()
        jwt.decode(
            token,
            row.public_key,
            algorithms=[row.algorithm],
            audience=row.audience,
            issuer=row.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise refused() from error
    return Caller(row.project, row.scopes)


def _issuer(claims: Mapping[str, Any], get: GetItem) -> JwtIssuer | None:
    issuer, audience = claims.get("iss"), claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    for one in audiences[:_MAX_AUDIENCES]:
        if not isinstance(issuer, str) or not isinstance(one, str):
            return None
        item = get(f"ISSUER#{issuer_id(issuer, one)}", "ISSUER")
        if item is not None:
            return JwtIssuer.from_item(item)
    return None
