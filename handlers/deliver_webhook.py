"""Send webhooks: one attempt for each message of the queue `deliveries`."""

from __future__ import annotations

import os
from typing import Any

from modelcote.aws.clients import client_config, make_session
from modelcote.aws.sqs_batch import Record, each
from modelcote.dialects import WEBHOOK_SHAPES
from modelcote.runs.messages import read_task
from modelcote.runs.store import store_from_env
from modelcote.webhooks.deliver import Deliverer
from modelcote.webhooks.secrets import WebhookSecrets

_session = make_session()
_stack = os.environ["MODELCOTE_STACK"]
_key_arn = os.environ["MODELCOTE_KEY_ARN"]
_store = store_from_env()
_deliverer = Deliverer(
    _store,
    WebhookSecrets(_session.client("secretsmanager", config=client_config()), _stack, _key_arn, _store.policy),
    _session.client("kms", config=client_config()),
    _stack,
    WEBHOOK_SHAPES,
)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Process a batch of the queue `deliveries`."""
    return each(event, _deliver)


def _deliver(record: Record) -> None:
    task = read_task(record)
    _deliverer.attempt(task.project, task.run_id)
