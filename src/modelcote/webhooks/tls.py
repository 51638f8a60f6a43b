"""TLS to a receiver, whose certificate is verified; ours is presented where it requires one."""

from __future__ import annotations

import os
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path

import certifi


class UnusableCertificate(Exception):
    """The client's certificate and key cannot be loaded."""


def tls_context(ca: Path | None, client_certificate: tuple[str, str] | None) -> ssl.SSLContext:
    """Return the context for a receiver. `ca` is as in `Limits`, `client_certificate` as in `Outgoing`.

    Raise `UnusableCertificate` where the client's certificate and key cannot be loaded.
    """
    if client_certificate is None:
        return _plain_tls(ca)
    context = _new_tls(ca)
    try:
        _load(context, *client_certificate)
    except (OSError, ValueError) as error:
        raise UnusableCertificate from error
    return context


def _new_tls(ca: Path | None) -> ssl.SSLContext:
    # Not `ssl.create_default_context`, which reads authorities and a key log from the environment.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca or certifi.where())
    return context


_plain_tls = lru_cache(maxsize=4)(_new_tls)


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a PEM certificate and key, which the ssl module reads from files only, through a file in memory on Linux."""
    in_memory = hasattr(os, "memfd_create")  # Linux; elsewhere a file on the disk, readable by this user alone
    descriptor, path = (os.memfd_create("client-certificate"), "") if in_memory else tempfile.mkstemp()
    try:
        with open(descriptor, "wb") as file:
            file.write(f"{certificate}\n{key}\n".encode())
            file.flush()
            # With a password given, OpenSSL never asks the terminal for one.
            context.load_cert_chain(path or f"/proc/self/fd/{descriptor}", password="")
    finally:
        if path:
            os.unlink(path)
