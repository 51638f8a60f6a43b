"""A certificate authority of the tests, and keys of every kind."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_USAGES = (
    *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("encipher_only", "decipher_only"),
)


def der(pem: str) -> bytes:
    """The first certificate of a PEM text in DER."""
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


@cache
def private_key(kind: str = "ec") -> Any:
    """A key of a kind: ec (P-256), p384, p521, p224, secp256k1, rsa (2,048 bits), rsa1024 or ed25519. One of each."""
    curves = {"ec": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1, "p224": ec.SECP224R1}
    if curve := {**curves, "secp256k1": ec.SECP256K1}.get(kind):
        return ec.generate_private_key(curve())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65_537, int(kind.removeprefix("rsa") or 2_048))


def key_pem(key: Any) -> str:
    """A key as PKCS 8 in PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Authority:
    """A certificate authority for tests."""

    def __init__(self, name: str = "Test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.ca_pem = self._sign(self._name, self._key.public_key(), datetime.now(UTC), authority=True)

    def write_ca(self, folder: Path) -> Path:
        """The authority's certificate as a file in a folder."""
        path = folder / "ca.pem"
        path.write_text(self.ca_pem)
        return path

    def issue(
        self, name: str, *, client: bool = False, expired: bool = False, early: bool = False, key: str = "ec"
    ) -> tuple[str, str]:
        """A certificate for a name or an address, and its key, both PEM; `early` is valid from tomorrow only."""
        now = datetime.now(UTC) + timedelta(days=-10 * expired + 3 * early)
        own = private_key(key)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        names = x509.SubjectAlternativeName([_general_name(name)])
        return self._sign(_name(name), own.public_key(), now, x509.ExtendedKeyUsage([usage]), names), key_pem(own)

    def server(self, name: str, *, ask_client: bool = False, expired: bool = False) -> ssl.SSLContext:
        """The TLS of a receiver under a name; with `ask_client` only for clients of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write("".join(self.issue(name, expired=expired)))
            file.flush()
            context.load_cert_chain(file.name)
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.ca_pem)
        return context

    def _sign(
        self, subject: x509.Name, public: Any, now: datetime, *more: x509.ExtensionType, authority: bool = False
    ) -> str:
        usage = {**dict.fromkeys(_USAGES, False), "key_cert_sign": authority, "crl_sign": authority}
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2 if authority else 1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
