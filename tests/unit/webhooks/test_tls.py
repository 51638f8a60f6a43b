"""Attempts over TLS: whose certificates are trusted, and the client's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelcote.webhooks import tls
from modelcote.webhooks.transport import Limits
from tests.support.authority import Authority, der
from tests.support.receivers import Receiver
from tests.unit.webhooks.sending import NAME, post, send


def test_the_certificate_is_of_the_name(authority: Authority, ca: Path) -> None:
    with Receiver(tls=authority.server(NAME)) as receiver:
        assert post(receiver, Limits(ca=ca)).status == 200
        wrong_name = post(receiver, Limits(ca=ca), name="other.example.com")
        assert (wrong_name.status, wrong_name.error) == (None, "tls")
        unknown_authority = post(receiver, Limits())
        assert (unknown_authority.status, unknown_authority.error) == (None, "tls")
    assert [seen.headers["host"] for seen in receiver.seen] == [f"{NAME}:{receiver.port}"]


def test_a_certificate_of_the_address_is_not_of_the_name(authority: Authority, ca: Path) -> None:
    with Receiver(tls=authority.server("127.0.0.1")) as receiver:
        assert post(receiver, Limits(ca=ca)).error == "tls"
        assert post(receiver, Limits(ca=ca), name="127.0.0.1").status == 200


def test_the_name_is_asked_for_in_sni(authority: Authority, ca: Path) -> None:
    asked: list[str | None] = []
    tls = authority.server(NAME)
    tls.sni_callback = lambda _, name, __: asked.append(name)
    with Receiver(tls=tls) as receiver:
        assert post(receiver, Limits(ca=ca)).delivered
    assert asked == [NAME]


def test_an_expired_certificate(authority: Authority, ca: Path) -> None:
    with Receiver(tls=authority.server(NAME, expired=True)) as receiver:
        assert post(receiver, Limits(ca=ca)).error == "tls"
    assert receiver.seen == []


def test_old_tls_is_refused(ca: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import ssl

    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = tls._new_tls(ca)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.keylog_filename is None


def test_http_where_tls_is_expected_and_the_reverse(authority: Authority, ca: Path) -> None:
    with Receiver(tls=authority.server(NAME)) as receiver:
        assert send(receiver.url.replace("https:", "http:")).error in {"connection", "protocol"}
    with Receiver() as silent:
        assert send(silent.url.replace("http:", "https:")).error == "connect_timeout"


@pytest.mark.parametrize("from_disk", [False, True])
def test_a_client_certificate(
    from_disk: bool, authority: Authority, ca: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if from_disk:
        monkeypatch.delattr(os, "memfd_create", raising=False)
        monkeypatch.setattr(tls.tempfile, "tempdir", str(tmp_path))
    cert, key = authority.issue("modelcote", client=True)
    with Receiver(tls=authority.server(NAME, ask_client=True)) as receiver:
        received = post(receiver, Limits(ca=ca), client_certificate=(cert, key))
        assert (received.status, received.error) == (200, None)
        for other in (None, Authority("Another authority").issue("modelcote", client=True)):
            refused = post(receiver, Limits(ca=ca), client_certificate=other)
            assert refused.status is None
            assert refused.error in {"tls", "connection"}
    assert [seen.peer_certificate for seen in receiver.seen] == [der(cert)]
    assert list(tmp_path.iterdir()) == []


def test_a_client_certificate_that_cannot_be_loaded(authority: Authority) -> None:
    cert, _ = authority.issue("modelcote", client=True)
    _, other_key = authority.issue("modelcote", client=True, key="p384")
    for pair in ((cert, other_key), (cert, ""), ("", ""), ("no PEM", "no PEM")):
        with Receiver(tls=authority.server(NAME)) as receiver:
            assert post(receiver, client_certificate=pair).error == "client_certificate"
        assert receiver.connections == 0
