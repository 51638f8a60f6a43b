"""Credentials that a receiver requires besides the signature: which are accepted, and which are not."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from modelcote.core.errors import Invalid
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth, auth_from_dict, auth_to_dict, parse_auth
from tests.support.authority import Authority, der, private_key

NOW = datetime.now(UTC)
AUTHORITY = Authority()
USER, PAIR = {"username": "a", "password": "b"}, {"cert": "c", "key": "d"}


def mtls(**more: Any) -> dict[str, str]:
    cert, key = AUTHORITY.issue("client.example.com", client=True, **more)
    return {"kind": "mtls", "cert": cert, "key": key}


def refused(value: object, now: datetime = NOW) -> str:
    with pytest.raises(Invalid) as caught:
        parse_auth(value, now, "auth")
    assert caught.value.extra["field"] == "auth"
    assert str(caught.value).startswith("auth ")
    assert caught.value.remedy
    assert caught.value.__suppress_context__
    return str(caught.value)


@pytest.mark.parametrize(
    ("username", "password"), [("a", ""), ("zoë", "pass:wörd\t"), ("x" * 255, "y" * 1_024), (" ", " ")]
)
def test_basic(username: str, password: str) -> None:
    auth = parse_auth({"kind": "basic", "username": username, "password": password}, NOW)
    assert auth == BasicAuth(username, password)
    assert auth_from_dict(auth_to_dict(auth)) == auth


@pytest.mark.parametrize(("username", "password"), [
    ("", "x"), ("a:b", "x"), (":", "x"), ("a\r\nX-Evil: 1", "x"), ("a\n", "x"), ("a\r", "x"), ("a\0", "x"),
    ("a\x7f", "x"), ("a\x85", "x"), ("a\t", "x"), ("x" * 256, "x"), ("\ud800", "x"), (7, "x"), (None, "x"),
    (["a"], "x"), ("a", "x\r"), ("a", "x\n"), ("a", "x\0"), ("a", "y" * 1_025), ("a", "\udfff"), ("a", 7),
    ("a", None),
])  # fmt: skip
def test_basic_refused(username: object, password: object) -> None:
    refused({"kind": "basic", "username": username, "password": password})


@pytest.mark.parametrize(
    "value",
    [
        *(None, "basic", [], {}, USER, [{"kind": "basic", **USER}]),
        *({"kind": kind, **USER} for kind in ("digest", "Basic", None, ["basic"], {}, "mtls")),
        *({"kind": "basic", **USER, **more} for more in ({"realm": "c"}, PAIR, {7: "c"})),
        *({"kind": "basic", **part} for part in ({}, {"username": "a"}, PAIR)),
        *({"kind": "mtls", **part} for part in ({"cert": "c"}, {**PAIR, "password": "e"})),
        {"basic": USER, "mtls": PAIR},
    ],
)
def test_other_shapes_and_both_kinds(value: object) -> None:
    refused(value)


@pytest.mark.parametrize("key", ["ec", "p384", "p521", "rsa", "rsa3072", "ed25519"])
def test_mtls(key: str) -> None:
    value = mtls(key=key)
    auth = parse_auth(value, NOW)
    assert isinstance(auth, MtlsAuth)
    assert der(auth.cert) == der(value["cert"])
    assert auth.key == value["key"]
    assert auth_from_dict(auth_to_dict(auth)) == auth


def rsa_pem(*numbers: int) -> str:
    """A key in PKCS 1 of any numbers, as no library writes one that does not hold together."""

    def element(tag: int, content: bytes) -> bytes:
        size = len(content)
        if size < 0x80:
            return bytes([tag, size]) + content
        length = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag, 0x80 | len(length)]) + length + content

    integers = b"".join(element(2, number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in (0, *numbers))
    text = base64.encodebytes(element(0x30, integers)).decode()
    return f"-----BEGIN RSA PRIVATE KEY-----\n{text}-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize("p", [3, 2**1_024 + 1, 2**60_000 + 1], ids=["small", "wrong", "huge"])
def test_a_key_of_other_primes(p: int) -> None:
    own = private_key("rsa").private_numbers()
    before, after = (own.public_numbers.n, own.public_numbers.e, own.d), (own.q, own.dmp1, own.dmq1, own.iqmp)
    assert parse_auth(mtls(key="rsa") | {"key": rsa_pem(*before, own.p, *after)}, NOW)
    refused(mtls(key="rsa") | {"key": rsa_pem(*before, p, *after)})


def test_traditional_pem_is_taken_and_written_anew() -> None:
    for kind in ("ec", "rsa"):
        value = mtls(key=kind)
        text = private_key(kind).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        taken = parse_auth(value | {"key": text.decode(), "cert": "Bag Attributes\n" + value["cert"] + "junk"}, NOW)
        assert auth_to_dict(taken) == value


def test_a_chain_is_kept() -> None:
    value = mtls()
    taken = parse_auth(value | {"cert": value["cert"] + AUTHORITY.ca_pem}, NOW)
    assert isinstance(taken, MtlsAuth)
    assert taken.cert == value["cert"] + AUTHORITY.ca_pem
    refused(value | {"cert": AUTHORITY.ca_pem + value["cert"]})


def test_weak_encrypted_public_and_others_keys() -> None:
    for weak in ("rsa1024", "p224", "secp256k1"):
        assert "weak" in refused(mtls(key=weak))
    for other in ("p384", "rsa", "ed25519"):
        assert "is not the certificate's" in refused(mtls() | {"key": mtls(key=other)["key"]})
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        text = private_key("ec").private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"hunter2"))
        assert "is encrypted" in refused(mtls() | {"key": text.decode()})
    public = private_key("ec").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    refused(mtls() | {"key": public.decode()})
    refused({"kind": "mtls", "cert": mtls()["key"], "key": mtls()["cert"]})


def test_a_certificate_out_of_its_time() -> None:
    assert "expired" in refused(mtls(expired=True))
    assert "expired" in refused(mtls(early=True))
    assert "expired" in refused(mtls(), NOW + timedelta(days=2))
    assert parse_auth(mtls(expired=True), NOW - timedelta(days=10))


def test_large_pem() -> None:
    value = mtls()
    for name in ("cert", "key"):
        assert "32 KB" in refused(value | {name: value[name] + "\n" * 32_768})
        assert "32 KB" in refused(value | {name: "x" * 1_000_000})
        assert "32 KB" in refused(value | {name: "é" * 20_000})
    assert parse_auth(value | {"cert": value["cert"] + "\n" * 30_000}, NOW)


@pytest.mark.parametrize(
    "text", ["", "x", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_pem(text: str) -> None:
    assert "not a certificate" in refused(mtls() | {"cert": text})
    assert "not a private key" in refused(mtls() | {"key": text})


def test_nothing_shows_a_secret() -> None:
    assert "hunter2" not in repr(BasicAuth("hunter2", "hunter2"))
    assert "hunter2" not in repr(MtlsAuth("hunter2", "hunter2"))
    assert "hunter2" not in refused({"kind": "hunter2", "hunter2": "hunter2"})
    assert "hunter2" not in refused({"kind": "basic", "username": "hunter2:", "password": "hunter2"})
    assert "hunter2" not in refused({"kind": "mtls", "cert": "hunter2", "key": "hunter2"})


def test_stored_credentials_are_ours() -> None:
    for value in ({}, {"kind": "basic"}, {"kind": "x"}, {"kind": "mtls", "cert": "a", "key": "b", "more": "c"}):
        with pytest.raises(ValueError, match="not stored credentials"):
            auth_from_dict(value)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)))
def test_anything_else_is_refused(value: object) -> None:
    refused(value)


@given(st.text(max_size=300), st.text(max_size=1_100))
def test_any_basic_is_sendable_or_refused(username: str, password: str) -> None:
    try:
        auth = parse_auth({"kind": "basic", "username": username, "password": password}, NOW)
    except Invalid:
        return
    assert isinstance(auth, BasicAuth)
    assert f"{auth.username}:{auth.password}".encode().partition(b":")[0].decode() == username
