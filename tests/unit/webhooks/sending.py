"""One attempt at a receiver under any name, with a name server of the test."""

from __future__ import annotations

import socket
from typing import Any

from modelcote.webhooks.guard import Allowed
from modelcote.webhooks.transport import Limits, Outgoing, Received, deliver
from tests.support.receivers import Receiver

NAME = "hooks.example.com"
SHORT = Limits(connect_s=0.4, total_s=0.6)
BODY = b'{"type":"run.completed"}'


class Resolver:
    """A name server: answers each look-up with the next list of addresses, and the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = answers or (["127.0.0.1"],)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        addresses = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


def local(*receivers: Receiver, **more: Any) -> Allowed:
    """What reaches these receivers under any name."""
    return Allowed(http=True, loopback=True, ports=frozenset(each.port for each in receivers), **more)


def post(receiver: Receiver, limits: Limits = SHORT, name: str = NAME, **more: Any) -> Received:
    outgoing = Outgoing(receiver.url_of(name), {"content-type": "application/json"}, BODY, **more)
    return deliver(outgoing, local(receiver), limits, Resolver())


def send(url: str, limits: Limits = SHORT, allowed: Allowed | None = None, body: bytes = BODY, **more: Any) -> Received:
    """One attempt at a URL, by default at any of this machine."""
    return deliver(Outgoing(url, {}, body), allowed or Allowed(http=True, loopback=True), limits, **more)
