"""A gateway on a real registry, in front of a model function that the test plays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from modelcote.aws.http import aws_client
from modelcote.core.policy import Policy
from modelcote.core.target import Target
from modelcote.dialects import PREDICT_ROUTES
from modelcote.gateway.dispatch import Gateway
from modelcote.gateway.registry_cache import ItemReader, RegistryCache
from modelcote.identity import keys
from modelcote.registry import models
from modelcote.registry.store import Registry
from tests.support.events import predict_event
from tests.support.lambda_door import LambdaDoor, Reply, lambda_door
from tests.support.registered import ready

PROJECT, MODEL, FUNCTION = "demo", "iris", "local_demo_iris"


def _no_background() -> NoReturn:
    raise AssertionError("this request asks for no run")


def echo(payload: bytes) -> Reply:
    """Answer with the data, as a model that returns it unchanged."""
    data = json.loads(payload)["data"]
    points = len(data) if isinstance(data, list) else 1
    body = json.dumps({"result": data, "run_time_ms": 0.5, "points": points}, separators=(",", ":"))
    return 200, {}, body.encode()


@dataclass
class Stand:
    """What a test of the gateway holds."""

    registry: Registry
    gateway: Gateway
    door: LambdaDoor
    key: str
    now: float = 0.0

    def send(self, body: bytes = b"[[1, 2]]", **options: Any) -> tuple[int, dict[str, str], Any]:
        """Status, headers and the JSON body of a predict request, with the key unless told otherwise."""
        answer = self.gateway.answer(predict_event(body, **{"key": self.key, **options}))
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])


@contextmanager
def standing(
    registry: Registry, reply: Callable[[bytes], Reply] = echo, target: Target | None = None
) -> Iterator[Stand]:
    """A gateway with one model `iris` of the project `demo`, and a key with the scope `predict`."""
    models.ensure_project(registry, PROJECT)
    _, key = keys.create(registry.table, PROJECT, "test", ["predict"])
    ready(registry, target=target)
    dynamodb = aws_client("dynamodb")
    with lambda_door(reply) as door:
        policy, read = Policy(), ItemReader(dynamodb, registry.table.name).get
        cache = RegistryCache(read, policy.registry_cache_s, lambda: stand.now)
        gateway = Gateway(PREDICT_ROUTES, cache, door.backends().invoke, _no_background, policy)
        stand = Stand(registry, gateway, door, key)
        try:
            yield stand
        finally:
            dynamodb.close()
