"""The addresses that may be called: a stranger's URL must not reach what only this network can reach.

Three checks, each sufficient on its own: the URL's syntax (`check_url`, when it is registered and again at every
attempt), every address that its name has at that moment (`resolve`), and a connection to that address and no
other (sockets.py).

The ranges are the IANA registries of special-purpose IPv4 and IPv6 addresses, with multicast, the retired ones and
all that embed an IPv4 address. `ipaddress.is_global` is not this list: it lets several of them through.
https://www.iana.org/assignments/iana-ipv4-special-registry https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

import re
import socket
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import idna

from modelcote.core.errors import Invalid

MAX_URL = 2_048

GetAddrInfo = Callable[..., Sequence[tuple[Any, ...]]]
"""`socket.getaddrinfo`, or a function with its parameters and result."""

_RANGES = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/32 2001:db8::/32 3fff::/20
    2002::/16 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
"""
_BLOCKED = tuple(map(ip_network, _RANGES.split()))
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
_RESERVED = frozenset({"local", "internal", "localhost", "arpa", "onion"})
_DEFAULT_PORT = {"https": 443, "http": 80}
# The host's rules decide about letters, marks, numbers, punctuation and symbols; the rest is never part of a URL.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?")
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:@]+))(?::(0|[1-9][0-9]{0,4}))?")
_NUMBER = re.compile(r"[0-9]+|0x.*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator allows; the default is the public internet over https on port 443.

    `http` allows the scheme http (its default port, 80, must be in `ports` too, except for a loopback host).
    `loopback` allows the hosts 127.0.0.1, [::1] and localhost on any port, and names with a loopback address.
    `ip_literals` allows a public address instead of a name. `blocked` contains ranges refused besides the list.
    """

    http: bool = False
    loopback: bool = False
    ports: frozenset[int] = frozenset({443})
    ip_literals: bool = False
    blocked: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL: `host` in ASCII and lower case, without brackets; `path_query` as it is sent; the whole `url`."""

    scheme: str
    host: str
    port: int
    path_query: str
    url: str


class Blocked(Exception):
    """An address that webhooks are never sent to."""


def check_url(url: object, allowed: Allowed, field: str = "webhook_endpoint") -> Target:
    """Return the parts of a URL that may be called, as far as its text tells.

    Raise `Invalid` with `field` for any other; the message never repeats the URL, which may contain a secret.
    """
    try:
        return _parse(url, allowed)
    except Invalid as refusal:
        raise Invalid(f"{field} {refusal.detail}.", refusal.remedy, field=field) from None


def check_address(ip: str, allowed: Allowed) -> None:
    """Raise `Blocked` for an address that must not be connected to, and for text that is not an address.

    An IPv4-mapped address is judged as the IPv4 address inside. The operator's ranges take precedence over
    `allowed.loopback`.
    """
    try:
        literal = ip_address(ip)
    except ValueError as error:
        raise Blocked("a name resolves to something other than an IP address.") from error
    mapped = literal.ipv4_mapped if isinstance(literal, IPv6Address) else None
    address = mapped or literal
    if any(form in network for network in allowed.blocked for form in (literal, address)):
        raise Blocked(f"{address} is in a range that the operator blocks.")
    if allowed.loopback and _is_loopback(address):
        return
    if any(address in network for network in _BLOCKED):
        raise Blocked(f"{address} is not a public address.")


def resolve(target: Target, allowed: Allowed, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> list[str]:
    """Return the addresses of the target's host, each once, in the resolver's order, from one look-up.

    Raise `Blocked` if any of them is blocked: a private address among public ones is an attack that relies on luck.
    Raise `OSError` if the name has none.
    """
    if _literal(target.host) is not None:
        check_address(target.host, allowed)
        return [target.host]
    answers = getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not addresses:
        raise OSError("the name has no address.")
    for address in addresses:
        check_address(address, allowed)
        if target.host == "localhost" and not _is_loopback(ip_address(address)):
            raise Blocked("localhost resolves to another machine.")
    return addresses


def _is_loopback(address: IPv4Address | IPv6Address) -> bool:
    return address in IPv4Network("127.0.0.0/8") or address == IPv6Address(1)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _parse(url: object, allowed: Allowed) -> Target:
    scheme, authority, path, query = _split(url)
    if scheme != "https" and not (scheme == "http" and allowed.http):
        raise Invalid("must start with https://", "Send an https URL.")
    if "@" in authority:
        raise Invalid("has user information before the host", "Remove it, and use webhook_auth.")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise Invalid("has no valid host and port", "Send https://host/path.")
    in_brackets, name, port_text = match.groups()
    host = _address_host(in_brackets, allowed) if in_brackets else _named_host(name, allowed)
    port = int(port_text) if port_text else _DEFAULT_PORT[scheme]
    _check_port(host, port, allowed)
    shown = f"[{host}]" if ":" in host else host
    shown_port = "" if port == _DEFAULT_PORT[scheme] else f":{port}"
    path_query = (path or "/") + (query or "")
    whole = f"{scheme}://{shown}{shown_port}{path_query}"
    if len(whole) > MAX_URL:
        raise Invalid(f"has more than {MAX_URL:,} characters", "Send a shorter URL.")
    return Target(scheme, host, port, path_query, whole)


def _split(url: object) -> tuple[str, str, str, str | None]:
    if not isinstance(url, str) or not url:
        raise Invalid("must be a string", "Send an https URL.")
    if len(url) > MAX_URL:
        raise Invalid(f"has more than {MAX_URL:,} characters", "Send a shorter URL.")
    if "\\" in url or any(unicodedata.category(char) in _UNPRINTABLE for char in url):
        raise Invalid("contains a backslash, white space or an invisible character", "Percent-encode it.")
    if "#" in url:
        raise Invalid("has a fragment", "Remove `#` and what follows: it is never sent.")
    match = _URL.fullmatch(url)
    if match is None:
        raise Invalid("must start with https:// and a host", "Send an https URL.")
    scheme, authority, path, query = match.groups()
    if not f"{path}{query or ''}".isascii():
        raise Invalid("has a non-ASCII character in its path or query", "Percent-encode it.")
    return scheme.lower(), authority, path, query


def _check_port(host: str, port: int, allowed: Allowed) -> None:
    if allowed.loopback and host in _LOOPBACK_HOSTS and 1 <= port <= 65_535:
        return
    if port not in allowed.ports or not 1 <= port <= 65_535:
        listed = ", ".join(str(each) for each in sorted(allowed.ports))
        raise Invalid("has a port that is not allowed", f"Allowed: {listed}.")


def _named_host(name: str, allowed: Allowed) -> str:
    host = _ascii(name)
    labels = host.split(".")
    # getaddrinfo reads 2130706433, 0x7f000001, 0177.0.0.1 and 127.1 as 127.0.0.1.
    if _NUMBER.fullmatch(labels[-1]):
        return _address_host(host, allowed)
    if allowed.loopback and host == "localhost":
        return host
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Invalid(
            "has an invalid host name", "Use letters, digits, hyphens and single full stops, with none at the end."
        )
    if len(labels) < 2 or labels[-1] in _RESERVED or not labels[-1][0].isalpha():
        raise Invalid("has a host name that is not public", "Send a name with a public suffix, such as example.com.")
    return host


def _ascii(name: str) -> str:
    """Return the name in ASCII and lower case, by IDNA 2008 with the mapping of UTS 46."""
    if name.isascii() and not re.search(r"(^|\.)xn--", name, re.IGNORECASE):
        return name.lower()
    refusal = Invalid("has an invalid internationalized host name", "Send the name in ASCII (its `xn--` form).")
    try:
        host = idna.encode(name, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise refusal from error
    # Full-width letters, digits and full stops, and the like, become plain ASCII: no honest name is spelled so.
    labels, encoded = name.split("."), host.split(".")
    if len(labels) != len(encoded):
        raise refusal
    if any(not old.isascii() and not new.startswith("xn--") for old, new in zip(labels, encoded, strict=True)):
        raise refusal
    return host


def _address_host(text: str, allowed: Allowed) -> str:
    address = _literal(text)
    host = "" if address is None else str(address)
    if allowed.loopback and host in _LOOPBACK_HOSTS:
        return host
    if not allowed.ip_literals or address is None:
        raise Invalid("has an IP address, or another spelling of one, as its host", "Send a host name.")
    try:
        check_address(host, allowed)
    except Blocked as error:
        raise Invalid("has an IP address that must not be called", "Send a public address, or a host name.") from error
    return host
