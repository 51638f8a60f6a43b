"""The AWS emulator as a child process, and a registry on it.

A `conftest.py` takes the fixtures in by importing them: `from tests.support.emulator import aws, emulator, registry`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3
import pytest

from modelcote.aws.clients import Clients, make_clients
from modelcote.registry.store import Registry, open_registry
from tests.support.tables import make_table
from tests.support.waiting import until_answers

REGION = "us-east-1"


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to talk to it, and to nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    @cached_property
    def clients(self) -> Clients:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return make_clients()

    def client(self, service: str) -> Any:
        """A boto3 client, the same for the whole session: making one takes longer than most tests."""
        return boto_client(service, self.url)

    @cached_property
    def session(self) -> boto3.Session:
        return _session()

    def registry(self) -> Registry:
        """A registry on a table, a bucket and a queue of its own, all empty."""
        name = f"t-{uuid.uuid4().hex[:12]}"
        clients = self.clients
        make_table(clients.dynamodb, "registry", name)
        clients.s3.create_bucket(Bucket=name)
        queue = clients.sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})
        return open_registry(name, name, queue["QueueUrl"], clients)


@cache
def _session() -> boto3.Session:
    return boto3.Session("test", "test", region_name=REGION)


@cache
def boto_client(service: str, url: str) -> Any:
    return _session().client(service, endpoint_url=url)  # type: ignore[call-overload]


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """A child process on a free port of 127.0.0.1, ended with the session."""
    port = free_port()
    instance = Emulator(f"http://127.0.0.1:{port}")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "GATEWAY_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ministack"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until_answers(f"{instance.url}/_ministack/health", process)
        yield instance
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def aws(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator, with this process's AWS environment pointing at it."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    return emulator


@pytest.fixture
def registry(aws: Emulator) -> Registry:
    """An empty registry."""
    return aws.registry()
