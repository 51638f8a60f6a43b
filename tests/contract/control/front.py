"""The control API and the gateway on one set of runs, behind one URL, with a model that the test plays."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from modelcote import AsyncClient, Client
from modelcote.aws.http import aws_client
from modelcote.dialects import PREDICT_ROUTES, WEBHOOK_SHAPES
from modelcote.gateway.background import Background
from modelcote.gateway.dispatch import Gateway
from modelcote.gateway.registry_cache import ItemReader, RegistryCache
from modelcote.runs.records import Run
from modelcote.sdk.config import Target
from modelcote.webhooks.deliver import Deliverer
from modelcote.webhooks.secrets import WebhookSecrets
from modelcote.webhooks.transport import Outgoing, Received
from tests.contract.control.stand import PROJECT, URL, Stand
from tests.support.asgi import AppTransport
from tests.support.events import predict_event
from tests.support.runs_stand import RunsStand, runs_standing

MODEL = "iris"
HOOK = "https://hooks.example.com/t0ken"


@dataclass
class Front(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of httpx: `/predict` goes to the gateway, what else is below the API's URL to the control API."""

    stand: Stand
    runs: RunsStand
    gateway: Gateway
    network: httpx.HTTPTransport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != httpx.URL(URL).host:
            return self.network.handle_request(request)
        if not request.url.path.endswith("/predict"):
            return AppTransport(self.stand.app).handle_request(request)
        headers: dict[str, str | None] = dict(request.headers.items())
        answer = self.gateway.answer(predict_event(request.read(), path=request.url.path, headers=headers))
        return httpx.Response(answer["statusCode"], headers=answer["headers"], content=answer["body"].encode())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return await asyncio.to_thread(self._whole, request)

    def _whole(self, request: httpx.Request) -> httpx.Response:
        answer = self.handle_request(
            httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())

    @property
    def target(self) -> Target:
        return Target(URL, self.stand.keys["predict"], PROJECT)

    def client(self, key: str = "predict") -> Client:
        return Client(Target(URL, self.stand.keys[key], PROJECT), transport=self)

    def async_client(self) -> AsyncClient:
        return AsyncClient(self.target, transport=self)

    def call(self, method: str, path: str, *, key: str | None = "predict", **options: Any) -> httpx.Response:
        return self.stand.call(method, path, key=key, **options)

    def done(self, data: Any = None, **changes: Any) -> Run:
        """A run that has succeeded."""
        return self.runs.done(data, **changes)

    def deliver(self, run: Run, status: int = 200) -> str:
        """An attempt at the run's delivery, which the receiver answers with this status."""
        services = self.stand.services
        deliverer = Deliverer(self.runs.store, services.webhook_secrets, self.runs.kms, services.stack, WEBHOOK_SHAPES)

        def send(_: Outgoing) -> Received:
            return Received(status, None, b"an answer", None, 12.5)

        return deliverer.attempt(PROJECT, run.run_id, send)

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker in the background, for as long as the context lasts."""
        stopped = threading.Event()

        def work() -> None:
            while not stopped.is_set():
                self.runs.drain()
                time.sleep(0.02)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()


@contextmanager
def standing_front(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """A front with the model `iris`, which doubles numbers."""
    stand.ready(MODEL)
    with runs_standing(stand.registry, monkeypatch) as runs, httpx.HTTPTransport() as network:
        services = stand.services
        secrets = WebhookSecrets(services.secrets, services.stack, runs.key_arn, runs.store.policy, runs.clock)
        stand.use(
            runs=runs.store, executions=runs.executions, webhook_secrets=secrets, kms=runs.kms, key_arn=runs.key_arn
        )
        dynamodb = aws_client("dynamodb")
        gateway = Gateway(
            PREDICT_ROUTES,
            RegistryCache(ItemReader(dynamodb, stand.registry.table.name).get, runs.store.policy.registry_cache_s),
            runs.backends.invoke,
            lambda: Background(runs.light, runs.light_kms, runs.key_arn),
            runs.store.policy,
        )
        try:
            yield Front(stand, runs, gateway, network)
        finally:
            dynamodb.close()
