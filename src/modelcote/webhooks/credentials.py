"""Credentials that a receiver requires besides the signature: user name and password, or a client certificate.

Both are secrets: no log, error or answer contains them, and neither class shows its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from modelcote.core.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate

MAX_PEM = 32 * 1024
MAX_USERNAME = 255
MAX_PASSWORD = 1_024

_MIN_RSA_BITS, _MAX_RSA_BITS = 2_048, 4_096  # Checking a key of 8,192 bits takes five seconds.
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user name and a password (RFC 7617), sent in UTF-8."""

    kind: ClassVar = "basic"
    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MtlsAuth:
    """A client certificate, with the chain above it if the receiver needs one, and its key; both PEM."""

    kind: ClassVar = "mtls"
    cert: str = field(repr=False)
    key: str = field(repr=False)


_KINDS: dict[str, type[BasicAuth] | type[MtlsAuth]] = {each.kind: each for each in (BasicAuth, MtlsAuth)}


def parse_auth(value: object, now: datetime, field: str = "webhook_auth") -> BasicAuth | MtlsAuth:
    """Return the credentials of `{"kind": "basic", "username", "password"}` or `{"kind": "mtls", "cert", "key"}`.

    `now` has a time zone; the certificate must be valid at that time. User name: 1 to 255 characters, no `:` and no
    control character. Password: at most 1,024 characters, no CR, LF or NUL. PEM: at most 32 KB each, a key that is
    not encrypted and is the certificate's, of RSA with 2,048 to 4,096 bits, P-256, P-384, P-521 or Ed25519. The PEM is
    written again, without any text around it.

    Raise `Invalid` with `field`; the message repeats nothing of the value.
    """
    try:
        return _parse(value, now)
    except Invalid as refusal:
        raise Invalid(f"{field} {refusal.detail}.", refusal.remedy, field=field) from None


def auth_to_dict(auth: BasicAuth | MtlsAuth) -> dict[str, str]:
    """Return the value that `auth_from_dict` reads; it contains the secret."""
    return {"kind": auth.kind, **asdict(auth)}


def auth_from_dict(value: Mapping[str, str]) -> BasicAuth | MtlsAuth:
    """Return credentials that were checked and stored; raise `ValueError` for a value not from `auth_to_dict`."""
    members = dict(value)
    try:
        return _KINDS[members.pop("kind")](**members)
    except (KeyError, TypeError):
        raise ValueError("not stored credentials. Store the value of auth_to_dict.") from None


def _parse(value: object, now: datetime) -> BasicAuth | MtlsAuth:
    if not isinstance(value, dict):
        raise Invalid("must be an object", "Send one of kind basic or mtls.")
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Invalid("has an unknown kind", "kind must be basic or mtls.")
    names = [each.name for each in fields(_KINDS[kind])]
    if set(value) != {"kind", *names}:
        raise Invalid(f"of kind {kind} must have exactly the fields {names[0]} and {names[1]}", "Send these two.")
    first, second = (_text(value[name], name) for name in names)
    return _basic(first, second) if kind == "basic" else _mtls(first, second, now)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or re.search("[\ud800-\udfff]", value):
        raise Invalid(f"has a {name} that is not a string", "Send a string of whole Unicode characters.")
    return value


def _basic(username: str, password: str) -> BasicAuth:
    if not 1 <= len(username) <= MAX_USERNAME or re.search("[:\0-\x1f\x7f-\x9f]", username):
        raise Invalid(
            "has an invalid username",
            f"A user name has 1 to {MAX_USERNAME} characters, without colons and control characters.",
        )
    if len(password) > MAX_PASSWORD or re.search("[\r\n\0]", password):
        raise Invalid(
            "has an invalid password",
            f"A password has at most {MAX_PASSWORD} characters, without line ends and NUL.",
        )
    return BasicAuth(username, password)


def _mtls(cert: str, key: str, now: datetime) -> MtlsAuth:
    from cryptography.hazmat.primitives.serialization import Encoding

    for name, pem in (("cert", cert), ("key", key)):
        if len(pem.encode()) > MAX_PEM:
            raise Invalid(f"has a {name} of more than {MAX_PEM // 1024} KB", "Send only the certificate's own chain.")
    chain = _certificates(cert)
    leaf = chain[0]
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise Invalid("has a certificate that is expired or not yet valid", "Send one that is valid now.")
    written = "".join(each.public_bytes(Encoding.PEM).decode() for each in chain)
    return MtlsAuth(written, _written_key(key, leaf))


def _certificates(pem: str) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        chain = load_pem_x509_certificates(pem.encode())
        strong = all(_is_strong(each.public_key()) for each in chain)
    except Exception as error:  # cryptography raises several unrelated classes for an invalid certificate
        raise Invalid(
            "has a cert that is not a certificate in PEM", "Start it with -----BEGIN CERTIFICATE-----."
        ) from error
    if not strong:
        raise Invalid("has a certificate with a weak or unusual key", "Use RSA with 2,048 to 4,096 bits, or P-256.")
    return chain


def _is_strong(key: PublicKeyTypes) -> bool:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    match key:
        case RSAPublicKey():
            return _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS
        case EllipticCurvePublicKey():
            return key.curve.name in _CURVES
    return isinstance(key, Ed25519PublicKey)


def _written_key(pem: str, leaf: Certificate) -> str:
    """Return the key in PKCS 8, not encrypted, if it is the certificate's."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )

    def public(of: Any) -> bytes:
        return bytes(of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    try:
        # The slow check follows once the key is the certificate's: only then is its size known to be sane.
        key: Any = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
        matches = public(key) == public(leaf)
        if matches:
            key = load_pem_private_key(pem.encode(), None)
        written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    except TypeError as error:
        raise Invalid("has a key that is encrypted", "Decrypt it first: `openssl pkey -in key.pem`.") from error
    except Exception as error:  # as above
        raise Invalid(
            "has a key that is not a private key in PEM", "Start it with -----BEGIN PRIVATE KEY-----."
        ) from error
    if not matches:
        raise Invalid("has a key that is not the certificate's", "Send the key that the certificate was issued for.")
    return str(written)
