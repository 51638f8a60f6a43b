"""Who may be called: the syntax of URLs, and every range of addresses."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelcote.core.errors import Invalid
from modelcote.webhooks.guard import Allowed, Blocked, Target, check_address, check_url, resolve
from tests.support.bad_urls import BAD_URLS

PUBLIC = Allowed()
LOCAL = Allowed(http=True, loopback=True)
RANGES = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
    "2001::/32", "2001:db8::/32", "3fff::/20", "2002::/16", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10",
    "ff00::/8",
]  # fmt: skip
GOOD_ADDRESSES = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111",
    "2001:4860:4860::8888", "2a00::1", "2003::1", "::ffff:8.8.8.8",
]  # fmt: skip


def answers(*addresses: str) -> Any:
    """A resolver of one look-up, in the form of `socket.getaddrinfo`."""

    def getaddrinfo(_: str, port: int, **__: Any) -> list[tuple[Any, ...]]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (each, port, 0, 0))
            if ":" in each
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]

    return getaddrinfo


def refused(url: object, allowed: Allowed = PUBLIC, words: str | None = None) -> str:
    """Return the message of the refusal."""
    with pytest.raises(Invalid, match=words) as caught:
        check_url(url, allowed, "callback")
    assert caught.value.extra["field"] == "callback"
    assert str(caught.value).startswith("callback ")
    assert caught.value.remedy
    return str(caught.value)


def is_blocked(text: str, allowed: Allowed = PUBLIC) -> bool:
    try:
        check_address(text, allowed)
    except Blocked:
        return True
    return False


def test_there_are_enough_bad_urls() -> None:
    assert len({url for url, _ in BAD_URLS}) >= 200


@pytest.mark.parametrize("url", [pytest.param(url, id=f"{why} {ascii(url)[:60]}") for url, why in BAD_URLS])
def test_bad_urls_are_refused(url: str) -> None:
    refused(url)


@pytest.mark.parametrize("url", [None, 7, b"https://example.com/", ["https://example.com/"], {}, True])
def test_a_url_that_is_not_a_string(url: object) -> None:
    refused(url, words="must be a string")


@pytest.mark.parametrize(("url", "words"), [
    ("https://a:b@example.com/", "user information"), ("https://example.com/#x", "fragment"),
    ("https://example.com:22/", "a port that is not allowed"), ("https://127.1/", "another spelling"),
    ("https://foo.internal/", "not public"), ("https://example。com/", "internationalized"),
    ("http://example.com/", "https://"), ("https://example.com/\t", "white space"),
    ("https://example.com/" + "a" * 2_029, "2,048 characters"),
])  # fmt: skip
def test_the_message_says_what_is_wrong(url: str, words: str) -> None:
    refused(url, words=words)


def test_the_message_repeats_nothing() -> None:
    for url in ("https://user:hunter2@example.com/", "https://example.com/\thunter2", "ftp://hunter2.com/"):
        assert "hunter2" not in refused(url)


@pytest.mark.parametrize(
    ("url", "host", "path_query", "whole"),
    [
        ("https://example.com", "example.com", "/", "https://example.com/"),
        ("HTTPS://Example.COM:443/A?b=C", "example.com", "/A?b=C", "https://example.com/A?b=C"),
        ("https://example.com?x=1", "example.com", "/?x=1", "https://example.com/?x=1"),
        ("https://example.com/@a:b", "example.com", "/@a:b", "https://example.com/@a:b"),
        ("https://bücher.example/ä".replace("ä", "%C3%A4"), "xn--bcher-kva.example", "/%C3%A4", None),
        ("https://faß.de/", "xn--fa-hia.de", "/", None),
        ("https://xn--bcher-kva.de/", "xn--bcher-kva.de", "/", None),
        ("https://ab--cd.example.com/", "ab--cd.example.com", "/", None),
        ("https://1.example.com/", "1.example.com", "/", None),
        ("https://127.0.0.1.nip.io/", "127.0.0.1.nip.io", "/", None),
        ("https://example.com/" + "a" * 2_028, "example.com", "/" + "a" * 2_028, None),
    ],
)
def test_good_urls(url: str, host: str, path_query: str, whole: str | None) -> None:
    target = check_url(url, PUBLIC)
    assert target == Target("https", host, 443, path_query, whole or f"https://{host}{path_query}")
    assert check_url(target.url, PUBLIC) == target


def test_the_operators_ports() -> None:
    allowed = Allowed(ports=frozenset({443, 8443}))
    assert check_url("https://example.com:8443/", allowed).port == 8443
    refused("https://example.com:8444/", allowed, "443, 8443")


def test_http_is_the_operators_choice() -> None:
    refused("http://example.com/", LOCAL)
    assert check_url("http://example.com/", Allowed(http=True, ports=frozenset({80}))).port == 80
    refused("http://localhost/", Allowed(loopback=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "LocalHost", "[0:0:0:0:0:0:0:1]"])
def test_loopback_hosts_are_the_operators_choice(host: str) -> None:
    for port in (1, 80, 6379, 65535):
        for scheme in ("http", "https"):
            assert check_url(f"{scheme}://{host}:{port}/", LOCAL).port == port
    for url in (f"https://{host}:0/", f"https://{host}:65536/", f"https://{host}.local/"):
        refused(url, LOCAL)
    refused(f"https://{host}/")


@pytest.mark.parametrize("host", [
    "127.1", "0x7f.1", "2130706433", "127.0.0.2", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]",
    "127。0。0。1", "１２７.0.0.1",
])  # fmt: skip
def test_other_spellings_of_loopback_stay_refused(host: str) -> None:
    refused(f"http://{host}:8000/", LOCAL)


def test_ip_literals_are_the_operators_choice() -> None:
    allowed = Allowed(ip_literals=True)
    assert check_url("https://1.1.1.1/", allowed).host == "1.1.1.1"
    target = check_url("https://[2606:4700:4700:0::1111]/x", allowed)
    assert (target.host, target.url) == ("2606:4700:4700::1111", "https://[2606:4700:4700::1111]/x")
    assert resolve(target, allowed, answers()) == ["2606:4700:4700::1111"]
    for url, _ in BAD_URLS:
        if "8.8.8.8" not in url and "93.184" not in url and "2606" not in url:
            refused(url, allowed)


@pytest.mark.parametrize("text", RANGES)
def test_every_range_is_blocked_to_its_edges(text: str) -> None:
    network = ip_network(text)
    for address in {network[0], network[network.num_addresses // 2], network[-1]}:
        assert is_blocked(str(address))
        with pytest.raises(Blocked):
            resolve(check_url("https://hooks.example.com/", PUBLIC), PUBLIC, answers(str(address)))
        if isinstance(address, IPv4Address):
            assert all(is_blocked(form.format(address)) for form in ("::ffff:{}", "::{}", "64:ff9b::{}"))


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_public_addresses_pass(address: str) -> None:
    check_address(address, PUBLIC)
    assert resolve(check_url("https://example.com/", PUBLIC), PUBLIC, answers(address)) == [address]


@pytest.mark.parametrize(
    "address", ["", "example.com", "1.2.3", "2130706433", "0177.0.0.1", "fe80::1%eth0", "1.1.1.1 "]
)
def test_what_is_no_address_is_blocked(address: str) -> None:
    assert is_blocked(address, Allowed(loopback=True, ip_literals=True))


def test_loopback_addresses_are_the_operators_choice() -> None:
    for address in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"):
        assert not is_blocked(address, LOCAL)
    for address in ("0.0.0.0", "::", "::2", "::127.0.0.1", "64:ff9b::127.0.0.1", "10.0.0.1", "169.254.169.254"):
        assert is_blocked(address, LOCAL)


def test_the_operators_own_ranges() -> None:
    blocked = (ip_network("9.9.9.0/24"), ip_network("2a00::/16"), ip_network("127.0.0.2/32"))
    allowed = Allowed(loopback=True, blocked=blocked)
    for address in ("9.9.9.9", "::ffff:9.9.9.9", "2a00::1", "127.0.0.2"):
        with pytest.raises(Blocked, match="operator"):
            check_address(address, allowed)
    check_address("127.0.0.1", allowed)


def test_one_private_answer_among_public_ones_is_enough() -> None:
    target = check_url("https://example.com/", PUBLIC)
    for given_answers in (["1.1.1.1", "10.0.0.1"], ["10.0.0.1", "1.1.1.1"], ["1.1.1.1", "2606:4700::1", "fe80::1"]):
        with pytest.raises(Blocked):
            resolve(target, PUBLIC, answers(*given_answers))
    assert resolve(target, PUBLIC, answers("1.1.1.1", "8.8.8.8", "1.1.1.1")) == ["1.1.1.1", "8.8.8.8"]
    with pytest.raises(OSError, match="no address"):
        resolve(target, PUBLIC, answers())


def test_localhost_leads_to_this_machine_only() -> None:
    target = check_url("http://localhost:6379/", LOCAL)
    assert resolve(target, LOCAL, answers("::1", "127.0.0.1")) == ["::1", "127.0.0.1"]
    with pytest.raises(Blocked):
        resolve(target, LOCAL, answers("1.1.1.1"))


@given(
    st.text(max_size=60)
    | st.text("htps:/.@[]%#?\\0123456789abcxf-。１ｌ\u00ad\t ", max_size=40).map("https://".__add__)
)
@example("https://0/")
def test_what_passes_is_read_the_same_by_another_parser(text: str) -> None:
    try:
        target = check_url(text, PUBLIC)
    except Invalid:
        return
    other = httpx.URL(target.url)
    assert (other.scheme, other.raw_host.decode(), other.port or 443) == ("https", target.host, target.port)
    assert not other.userinfo
    assert not other.fragment
    assert target.url.isascii()
    assert "." in target.host
    assert check_url(target.url, PUBLIC) == target
    with pytest.raises(OSError, match=r".*"):  # No parser of numbers takes it for an address.
        socket.inet_aton(target.host)


_V4 = [ip_network(text) for text in RANGES if "." in text]


@given(st.ip_addresses(v=4))
def test_v4_is_judged_the_same_in_every_form(address: IPv4Address) -> None:
    bad = any(address in network for network in _V4)
    assert is_blocked(str(address)) == bad
    assert is_blocked(f"::ffff:{address}") == bad
    assert is_blocked(f"::{address}")
    assert is_blocked(f"64:ff9b::{address}")
    assert is_blocked(str(IPv6Address((0x2002 << 112) | (int(address) << 80))))


@given(st.sampled_from(RANGES).flatmap(lambda text: st.ip_addresses(network=text)))
def test_nothing_in_a_range_passes(address: IPv4Address | IPv6Address) -> None:
    assert is_blocked(str(address))


@given(st.ip_addresses())
def test_what_passes_is_in_no_range(address: IPv4Address | IPv6Address) -> None:
    ranges: list[IPv4Network | IPv6Network] = [ip_network(text) for text in RANGES]
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    assert is_blocked(str(address)) == any((mapped or address) in network for network in ranges)
