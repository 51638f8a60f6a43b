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

from modelcote import Client
from modelcote.dialects import WEBHOOK_SHAPES
from modelcote.gateway.dispatch import Gateway
from modelcote.runs.records import Run
from modelcote.sdk.config import Target
from modelcote.webhooks.deliver import Deliverer
from modelcote.webhooks.secrets import WebhookSecrets
from modelcote.webhooks.transport import Received
from tests.contract.control.stand import PROJECT, URL, Stand
from tests.emulator.gateway.asked import gateway_of
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
        plain = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        answer = self.handle_request(plain)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())

    def target(self, key: str = "predict") -> Target:
        return Target(URL, self.stand.keys[key], PROJECT)

    def client(self, key: str = "predict", transport: httpx.BaseTransport | None = None) -> Client:
        return Client(self.target(key), transport=transport or self)

    def call(self, method: str, path: str, *, key: str | None = "predict", **options: Any) -> httpx.Response:
        return self.stand.call(method, path, key=key, **options)

    def ok(self, method: str, path: str, *, key: str = "predict", **options: Any) -> Any:
        return self.stand.ok(method, path, key=key, **options)

    def listed(self, kind: str, **query: Any) -> tuple[list[dict[str, Any]], str | None]:
        """A page of the runs or of the deliveries, and the cursor of the next one."""
        page = self.ok("GET", f"/{kind}", params=query)
        return page[kind], page["cursor"]

    def ids(self, kind: str, **query: Any) -> list[str]:
        return [row["run_id"] for row in self.listed(kind, **query)[0]]

    def policy(self, **changes: Any) -> None:
        self.stand.use(runs=self.runs.with_policy(**changes).store)

    @property
    def deliverer(self) -> Deliverer:
        services = self.stand.services
        return Deliverer(self.runs.store, services.webhook_secrets, self.runs.kms, services.stack, WEBHOOK_SHAPES)

    def deliver(self, run: Run, status: int = 200) -> str:
        """An attempt at the run's delivery, which the receiver answers with this status."""
        received = Received(status, None, b"an answer", None, 12.5)
        return self.deliverer.attempt(PROJECT, run.run_id, lambda _: received)

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
        yield Front(stand, runs, gateway_of(runs), network)
