"""Signatures, judged by the standard's own library, and by ours where a delivery arrives."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from modelcote.core.errors import Invalid
from modelcote.webhooks import sign

BODY = b'{"type":"run.completed","data":{"id":"run_1","caf\xc3\xa9":1}}'


def secret_of(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(size))).decode()


AT_S = 1_700_000_000
HEADERS = sign.headers("msg_1", AT_S, BODY, [secret_of(32)])


def refused(headers: dict[str, str], now_s: float = AT_S) -> str:
    """Return the field that the receiver's refusal names."""
    with pytest.raises(Invalid) as caught:
        sign.verify(headers, BODY, [secret_of(32)], now_s=now_s)
    return str(caught.value.extra["field"])


def test_the_standards_library_takes_our_signature() -> None:
    secret = sign.new_secret()
    headers = sign.headers("msg_1", int(time.time()), BODY, [secret])
    assert Webhook(secret).verify(BODY, headers)["type"] == "run.completed"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(sign.new_secret()).verify(BODY, headers)


def test_a_known_signature() -> None:
    """Made with `openssl dgst -sha256 -mac HMAC`."""
    headers = sign.headers("msg_1", 1_700_000_000, b"{}", [secret_of(32)])
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1,fhksJF5ElKjlPoT/jtefCO5XjQPvhf7Dhf/8R1ad9yU=",
    }


def test_while_a_secret_is_replaced_both_sign() -> None:
    new, old = sign.new_secret(), sign.new_secret()
    headers = sign.headers("msg_1", int(time.time()), BODY, [new, old])
    assert headers["webhook-signature"].count(" ") == 1
    for secret in (new, old):
        Webhook(secret).verify(BODY, headers)
        sign.verify(headers, BODY, [secret], now_s=time.time())
    sign.verify(headers, BODY, [sign.new_secret(), old], now_s=time.time())


def test_our_receiver_takes_what_the_standards_library_signs() -> None:
    secret = sign.new_secret()
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(AT_S, UTC), BODY.decode())
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(AT_S), "Webhook-Signature": f"v1a,xyz {signature}"}
    sign.verify(headers, BODY, [secret], now_s=AT_S)


def test_nothing_is_sent_unsigned_or_ambiguous() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        sign.headers("msg_1", 1, b"", [])
    for webhook_id in ("", "msg.1"):
        with pytest.raises(ValueError, match="full stop"):
            sign.headers(webhook_id, 1, b"", [sign.new_secret()])


def test_new_secrets() -> None:
    made = {sign.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"))) == 32 for secret in made)
    assert all(sign.check_secret(secret) == secret for secret in made)


def test_secrets_have_24_to_64_bytes() -> None:
    for size in (24, 25, 26, 32, 63, 64):
        assert sign.check_secret(secret_of(size)) == secret_of(size)
        assert sign.check_secret(secret_of(size).rstrip("=")) == secret_of(size)


@pytest.mark.parametrize("text", [
    None, 7, b"whsec_" + b"A" * 44, "", "whsec_", secret_of(0), secret_of(23), secret_of(65),
    secret_of(32).removeprefix("whsec_"), secret_of(32).upper(), secret_of(32) + "\n", " " + secret_of(32),
    secret_of(32).replace("A", "-"), "whsec_" + "A" * 41, "whsec_" + "é" * 44, "whsec_" + "A" * 100_000,
])  # fmt: skip
def test_what_is_no_secret(text: object) -> None:
    with pytest.raises(Invalid) as caught:
        sign.check_secret(text)
    assert caught.value.extra["field"] == "secret"
    assert str(text)[:20] not in str(caught.value) or len(str(text)) < 8


@pytest.mark.parametrize(("name", "value"), [
    ("webhook-id", "msg_2"), ("webhook-id", ""), ("webhook-id", "\ud800"), ("webhook-timestamp", ""),
    ("webhook-timestamp", "1700000001"), ("webhook-timestamp", "1700000000.0"), ("webhook-timestamp", "+1700000000"),
    ("webhook-timestamp", "١٧٠٠٠٠٠٠٠٠"), ("webhook-timestamp", "9" * 5_000), ("webhook-signature", ""),
    ("webhook-signature", "v1,"), ("webhook-signature", "v1"), ("webhook-signature", "v1,\ud800"),
    ("webhook-signature", " " * 1_000_000),
])  # fmt: skip
def test_what_our_receiver_refuses(name: str, value: str) -> None:
    assert refused(HEADERS | {name: value}).startswith("webhook-")


def test_another_version_is_no_signature() -> None:
    for other in ("v2,", "v1a,", "V1,", ""):
        refused(HEADERS | {"webhook-signature": HEADERS["webhook-signature"].replace("v1,", other)})


@pytest.mark.parametrize(("now_s", "fresh"), [(300, True), (-300, True), (301, False), (-301, False), (10**9, False)])
def test_old_and_early_deliveries_are_refused(now_s: int, fresh: bool) -> None:
    if fresh:
        sign.verify(HEADERS, BODY, [secret_of(32)], now_s=AT_S + now_s)
    else:
        assert refused(HEADERS, AT_S + now_s) == "webhook-timestamp"


@given(body=st.binary(max_size=200), at=st.integers(0, 200), bit=st.integers(0, 7))
def test_any_changed_bit_is_seen(body: bytes, at: int, bit: int) -> None:
    headers = sign.headers("msg_1", AT_S, body, [secret_of(24)])
    sign.verify(headers, body, [secret_of(24)], now_s=AT_S)
    changed = bytearray(body + b"\0")
    changed[at % len(changed)] ^= 1 << bit
    with pytest.raises(Invalid):
        sign.verify(headers, bytes(changed), [secret_of(24)], now_s=AT_S)
