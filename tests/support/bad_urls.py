"""URLs that no webhook is sent to, each with what is wrong with it. No name is looked up to refuse one."""

from __future__ import annotations

_SCHEMES = (
    "ftp", "file", "gopher", "javascript", "data", "ws", "wss", "ldap", "ldaps", "dict", "sftp", "tftp", "ssh",
    "telnet", "smb", "jar", "mailto", "about", "blob", "view-source", "unix", "redis", "s3", "git", "httpss", "htps",
)  # fmt: skip

# Every spelling of an address that `getaddrinfo`, `inet_aton` or a careless parser takes for a private one.
_ADDRESSES = (
    "127.0.0.1", "127.1", "127.0.1", "127.127.127.127", "127.255.255.254", "0177.0.0.1", "0177.1", "00000177.0.0.1",
    "0x7f.0.0.1", "0x7f.1", "0x7F.0x0.0x0.0x1", "0x7f000001", "0X7F000001", "0x000000007f000001", "2130706433",
    "017700000001", "00000000017700000001", "4294967296", "4294967297", "6425673729", "0", "0.0.0.0", "0.0", "0x0",
    "0x", "00", "10.0.0.1", "10.1", "0xa.1", "012.1", "167772161", "0x0a000001", "172.16.0.1", "172.16.1",
    "172.31.255.255", "0xac100001", "2886729729", "192.168.0.1", "192.168.1", "192.168.257", "0xc0a80001",
    "0300.0250.0.1", "3232235521", "169.254.169.254", "169.254.43518", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376", "2852039166", "025177524776", "169.254.170.2", "100.64.0.1", "100.100.100.200",
    "192.0.0.192", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "127.0.0.1.", "127.0.0.1..", "0127.0.0.1", "1.2.3.4.5",
    "256.256.256.256", "127.0.0.256", "93.184.216.34", "8.8.8.8", "example.com.1", "example.0x7f", "example.0x",
)  # fmt: skip
_V6 = (
    "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::127.0.0.1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::a9fe:a9fe]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[2001::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]",
    "[5f00::1]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[fec0::1]",
    "[ff02::1]", "[2606:4700:4700::1111]", "[::1", "::1]", "::1", "[]", "[127.0.0.1]", "[example.com]", "[v1.a]",
    "[::1]x", "x[::1]", "[::1][::1]",
)  # fmt: skip

_HOSTS: dict[str, tuple[str, ...]] = {
    "another full stop": (
        "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "example。com", "example．com", "example｡com",
    ),
    "another digit": (
        "１２７.0.0.1", "127.0.0.１", "①②⑦.0.0.1", "𝟏𝟐𝟕.0.0.1", "¹27.0.0.1", "١٢٧.0.0.1", "2１30706433", "０x7f000001",
    ),
    "another letter": (
        "ｅｘａｍｐｌｅ.com", "ⓔxample.com", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "metadata.google.ｉnternal", "\u212aelvin.example.com",
    ),
    "an invisible character": (
        "hooks.loca\u00adl", "ex\u200bample.com", "ex\u200dample.com", "ex\u2060ample.com", "\ufeffexample.com",
        "exam\u202eple.com",
    ),
    "another delimiter": (
        "example.com\u2044path", "example.com\u2215path", "example.com\uff0fpath", "example.com\uff1a443",
        "user\uff20example.com", "example.com\uff03x", "example.com\uff1fx", "evil.c\u2100.example.com",
        "℀.example.com",
    ),
    "no character of a name": ("\u0301xample.com", "\ud800.example.com", "💩.example.com"),
    "no A-label": ("xn--.example.com", "xn--a.example.com", "xn--example-.com", "XN--127-0.0.0.1"),
    "a single label": ("localhost", "LOCALHOST", "intranet", "kubernetes", "metadata", "com", "exämple", "💩"),
    "a full stop at the end": ("localhost.", "example.com."),
    "an empty label": ("example..com", ".example.com", ".", ".."),
    "a reserved suffix": (
        "foo.local", "foo.LOCAL", "foo.local.", "foo.internal", "metadata.google.internal", "ip-10-0-0-1.ec2.internal",
        "foo.localhost", "a.b.localhost", "1.0.0.127.in-addr.arpa", "home.arpa", "expyuzz4wqqyqhjn.onion",
        "exämple.local",
    ),
    "a hyphen first or last": ("-example.com", "example-.com"),
    "a sign that no name has": (
        "exa_mple.com", "*.example.com", "exa,mple.com", "exa;mple.com", "exa'mple.com", 'exa"mple.com', "exa<mple.com",
        "exa{mple}.com", "exa|mple.com", "exa^mple.com", "exa`mple.com", "$HOME.example.com",
        "${jndi:ldap://x}.example.com",
    ),
    "percent signs": ("exa%6dple.com", "127%2e0%2e0%2e1", "%31%32%37.0.0.1", "%6c%6f%63%61%6c%68%6f%73%74"),
    "too long a label or name": ("a" * 64 + ".example.com", ".".join(["a" * 60] * 5) + ".com"),
    "a last label that starts with a digit": ("example.9com",),
}  # fmt: skip

_PORTS = (
    "0", "00", "1", "22", "25", "53", "80", "110", "139", "445", "2375", "3306", "5432", "6379", "8080", "8443", "9200",
    "11211", "65535", "65536", "65979", "99999", "4294967739", "-1", "-443", "+443", "0443", "443.0", "0x1bb", "4 43",
    "https", "", "443:443", "４４３", "٤٤٣",
)  # fmt: skip

_CONTROL = {
    "a space": " ", "a tab": "\t", "a line feed": "\n", "a carriage return": "\r", "NUL": "\0", "DEL": "\x7f",
    "an escape": "\x1b", "a form feed": "\x0c", "a vertical tab": "\x0b", "next line": "\x85",
    "a no-break space": "\xa0", "a line separator": "\u2028", "an ideographic space": "\u3000", "a backslash": "\\",
}  # fmt: skip
_WITH_CONTROL = (
    "https://example.com/aCHARb", "https://examCHARple.com/", "CHARhttps://example.com/", "https://example.com/CHAR",
)  # fmt: skip

_WHOLE: dict[str, tuple[str, ...]] = {
    "empty": ("",),
    "no scheme": (
        "example.com", "example.com/hook", "//example.com/hook", "://example.com/", "1https://example.com/",
        "hţtps://example.com/", "ｈttps://example.com/", "https：//example.com/", "https:／／example.com/",
    ),
    "no host": (
        "/hook", "?x", "https", "https:", "https:/", "https://", "https:///", "https:///example.com",
        "https:////example.com", "https:example.com", "https:/example.com", "https://?x", "https://:443/",
    ),
    "not https": (
        "http://example.com/", "HTTP://example.com/", "http://example.com:443/",
        "https+unix://%2Fvar%2Frun%2Fdocker.sock/", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
    ),
    "user information": (
        "https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/",
        "https://:@example.com/", "https://example.com@127.0.0.1/", "https://example.com:443@127.0.0.1/",
        "https://127.0.0.1@example.com/", "https://a@b@example.com/", "https://example.com%40127.0.0.1/",
    ),
    "a fragment": (
        "https://example.com/#", "https://example.com/#x", "https://example.com#@127.0.0.1/",
        "https://example.com?x#y", "https://127.0.0.1#.example.com/",
    ),
    "not ASCII": ("https://example.com/ä", "https://example.com/?ä", "https://example.com/\ud83d"),
    "too long": (
        "https://example.com/" + "a" * 2_029, "https://example.com/?" + "a" * 100_000,
        "https://" + "a." * 100_000 + "com/",
    ),
    "backslashes": (
        "https://127.0.0.1\\@example.com/", "https://example.com\\@127.0.0.1/", "https:\\\\example.com/",
    ),
    "a second header": (
        "https://example.com\r\nHost: 127.0.0.1/", "https://example.com/ HTTP/1.1\r\nX: y",
    ),
}  # fmt: skip

BAD_URLS: list[tuple[str, str]] = [
    *((f"{scheme}://example.com/", f"the scheme {scheme}") for scheme in _SCHEMES),
    *((f"https://{address}/", f"the address {address}") for address in (*_ADDRESSES, *_V6)),
    *((f"https://{host}/", why) for why, hosts in _HOSTS.items() for host in hosts),
    *((f"https://example.com:{port}/", f"the port {port}") for port in _PORTS),
    *((url.replace("CHAR", char), name) for url in _WITH_CONTROL for name, char in _CONTROL.items()),
    *((url, why) for why, urls in _WHOLE.items() for url in urls),
]
"""(url, why)"""
