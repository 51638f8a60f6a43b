"""A gateway in front of runs."""

from __future__ import annotations

import json
from typing import Any

from modelcote.dialects import PREDICT_ROUTES
from modelcote.gateway.background import Background
from modelcote.gateway.dispatch import Gateway
from modelcote.gateway.registry_cache import ItemReader, RegistryCache
from modelcote.registry.records import model_key
from modelcote.runs.records import Run
from tests.support.events import predict_event
from tests.support.runs_stand import MODEL, PROJECT, RunsStand

HOOK = "https://hooks.example.com/done"


def gateway_of(stand: RunsStand) -> Gateway:
    """A new process of the gateway, with the policy as it is now."""
    policy, table = stand.store.policy, stand.registry.table
    dynamodb = stand.light.table.client.client  # type: ignore[attr-defined]
    cache = RegistryCache(ItemReader(dynamodb, table.name).get, policy.registry_cache_s)
    invoke = stand.backends.invoke
    return Gateway(
        PREDICT_ROUTES, cache, invoke, lambda: Background(stand.light, stand.light_kms, stand.key_arn), policy
    )


class Asked:
    """A gateway before a runs stand."""

    def __init__(self, stand: RunsStand, key: str) -> None:
        self.stand, self.key, self.gateway = stand, key, gateway_of(stand)

    def policy(self, **changes: Any) -> None:
        self.stand.with_policy(**changes)
        self.gateway = gateway_of(self.stand)

    def model(self, **changes: Any) -> None:
        """The model's row with changes, and a gateway that has not read it."""
        self.stand.registry.table.update(model_key(PROJECT, MODEL), changes)
        self.gateway = gateway_of(self.stand)

    def send(self, data: Any, **headers: str | None) -> tuple[int, dict[str, str], Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        event = predict_event(json.dumps(data).encode(), key=self.key, headers=named)
        answer = self.gateway.answer(event)
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])

    def send_async(self, data: Any, **headers: str | None) -> tuple[int, dict[str, str], Any]:
        """The same, with a wish for a run."""
        return self.send(data, prefer="respond-async", **headers)

    def run(self, data: Any, **headers: str | None) -> Run:
        """The run that a call becomes."""
        return self.stand.run(self.send(data, **headers)[2]["run_id"])
