"""Runs that have ended, and attempts at their deliveries."""

from __future__ import annotations

import os
from typing import Any

from modelcote.dialects import WEBHOOK_SHAPES
from modelcote.runs.listing import find_delivery
from modelcote.runs.records import PENDING, Delivery, Run, Webhook
from modelcote.webhooks.deliver import Deliverer
from modelcote.webhooks.secrets import WebhookSecrets
from tests.support.emulator import boto_client
from tests.support.receivers import Receiver, Seen
from tests.support.runs_stand import PROJECT, RunsStand


def make_deliverer(stand: RunsStand) -> Deliverer:
    stack = f"t{os.urandom(4).hex()}"
    client = boto_client("secretsmanager", stand.kms.meta.endpoint_url)
    secrets = WebhookSecrets(client, stack, stand.key_arn, stand.store.policy, stand.clock)
    return Deliverer(stand.store, secrets, stand.kms, stack, WEBHOOK_SHAPES)


def ended(stand: RunsStand, url: str, data: Any = None, *, default_auth: bool = False, **changes: Any) -> Run:
    """A run that has ended, with a webhook."""
    return stand.done(data, webhook=Webhook(url, default_auth=default_auth), **changes)


def delivered(stand: RunsStand, deliverer: Deliverer, data: Any = None, **changes: Any) -> tuple[Run, Seen]:
    """A run that has ended, and what the first attempt at its delivery sends."""
    with Receiver() as receiver:
        run = ended(stand, receiver.url, data, **changes)
        deliverer.attempt(PROJECT, run.run_id)
    return run, receiver.seen[0]


def delivery_of(stand: RunsStand, run: Run) -> Delivery:
    found = find_delivery(stand.store, PROJECT, run.run_id)
    assert found
    return found


def to_the_end(stand: RunsStand, deliverer: Deliverer, run: Run) -> Delivery:
    """Every attempt, each at its time."""
    for _ in range(20):
        delivery = delivery_of(stand, run)
        if delivery.state != PENDING:
            return delivery
        stand.later(max(0, delivery.next_at_s - stand.clock()))
        deliverer.attempt(PROJECT, run.run_id)
    raise AssertionError("the delivery has no end")
