"""A gateway in front of runs."""

from __future__ import annotations

import json
from typing import Any

from modelcote.aws.http import aws_client
from modelcote.dialects import PREDICT_ROUTES
from modelcote.gateway.background import Background
from modelcote.gateway.dispatch import Gateway
from modelcote.gateway.registry_cache import ItemReader, RegistryCache
from tests.support.events import predict_event
from tests.support.runs_stand import RunsStand

HOOK = "https://hooks.example.com/done"


class Asked:
    """A gateway before a runs stand."""

    def __init__(self, stand: RunsStand, key: str) -> None:
        self.stand = stand
        self.key = key
        self.door = aws_client("dynamodb")
        self.reset()

    def reset(self) -> None:
        """A new process of the gateway, with the policy as it is now."""
        policy = self.stand.store.policy
        cache = RegistryCache(ItemReader(self.door, self.stand.registry.table.name).get, policy.registry_cache_s)
        background = Background(self.stand.light, self.stand.light_kms, self.stand.key_arn)
        self.gateway = Gateway(PREDICT_ROUTES, cache, self.stand.backends.invoke, lambda: background, policy)

    def send(self, data: Any, **headers: str | None) -> tuple[int, dict[str, str], Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        event = predict_event(json.dumps(data).encode(), key=self.key, headers=named)
        answer = self.gateway.answer(event)
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])
