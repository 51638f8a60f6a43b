"""Receivers of webhooks on 127.0.0.1, well behaved and not, over HTTP and over TLS with an authority of their own.

`with Receiver(behave) as receiver:` listens on a free port, answers each request with the action that
`behave(seen)` chooses, and keeps what it saw in `receiver.seen`; `receiver.connections` counts what was accepted,
before any byte. An action is a function of the connection and an event that is set when the receiver stops.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Seen:
    """One request. `headers` has names in lower case; `peer_certificate` is the client's, in DER."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer_certificate: bytes | None


Action = Callable[[socket.socket, threading.Event], None]


def answer(status: int = 200, headers: Iterable[tuple[str, str]] = (), body: bytes = b"ok") -> Action:
    """A whole answer with its length."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return raw(f"HTTP/1.1 {status} Some\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def redirect(location: str, status: int = 302) -> Action:
    """A redirect."""
    return answer(status, [("Location", location)], b"")


def raw(data: bytes) -> Action:
    """These very bytes, and the end of the connection."""
    return lambda connection, _: connection.sendall(data)


def hang(first: bytes = b"") -> Action:
    """These bytes, and nothing more until the receiver stops."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(first)
        stopped.wait(60)

    return act


def drip(data: bytes, every_s: float = 0.02) -> Action:
    """These bytes one at a time, and then the last one for ever."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        at = 0
        while not stopped.wait(every_s):
            connection.sendall(data[at : at + 1])
            at = min(at + 1, len(data) - 1)

    return act


def reset(first: bytes = b"") -> Action:
    """These bytes, and the connection torn down with RST."""

    def act(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(first)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return act


def endless(head: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n") -> Action:
    """A head, and then as many zeros as the other side takes."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(head)
        while not stopped.is_set():
            connection.sendall(bytes(65_536))

    return act


class Receiver:
    """A server of one request per connection, each in a thread of its own."""

    def __init__(
        self,
        behave: Callable[[Seen], Action] = lambda _: answer(),
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.host = host
        self.port = port
        self._behave = behave
        self._tls = tls
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return self.url_of(self.host)

    def url_of(self, name: str, path: str = "/hook") -> str:
        """The URL of this receiver under a name."""
        return f"{'https' if self._tls else 'http'}://{name}:{self.port}{path}"

    def __enter__(self) -> Receiver:
        self._listener = socket.create_server((self.host, self.port))
        self._listener.settimeout(0.02)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in list(self._threads):
            thread.join(10)
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                with self._lock:
                    self.connections += 1
                connection.settimeout(5)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # What a hostile action, or a client that has gone, does to this end is no failure of a test.
        with contextlib.suppress(OSError):
            try:
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                seen = self._receive(connection)
                if seen:
                    with self._lock:
                        self.seen.append(seen)
                    self._behave(seen)(connection, self._stopped)
            finally:
                connection.close()

    def _receive(self, connection: socket.socket) -> Seen | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self._piece(connection)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            piece = self._piece(connection)
            if not piece:
                return None
            body += piece
        method, path, _ = first.split(" ")
        peer = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
        return Seen(method, path, headers, body, peer)

    def _piece(self, connection: socket.socket) -> bytes:
        connection.settimeout(0.1)
        for _ in range(100):
            if self._stopped.is_set():
                break
            with contextlib.suppress(TimeoutError):
                return connection.recv(65_536)
        return b""


def der(pem: str) -> bytes:
    """The first certificate of a PEM text in DER."""
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


@cache
def private_key(kind: str = "ec") -> Any:
    """A key of a kind: ec (P-256), p384, p521, p224, secp256k1, rsa (2,048 bits), rsa1024 or ed25519. One of each."""
    curves = {"ec": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1, "p224": ec.SECP224R1}
    if kind == "secp256k1":
        return ec.generate_private_key(ec.SECP256K1())
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
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
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = self._builder(self._name, self._key.public_key(), now - timedelta(days=1), now + timedelta(days=2))
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_pem = certificate.public_bytes(Encoding.PEM).decode()

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
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            self._builder(subject, own.public_key(), now - timedelta(days=1), now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM).decode(), key_pem(own)

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

    def _builder(self, subject: x509.Name, public: Any, since: datetime, until: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
