"""One attempt at a delivery: claim, sign, send, record; then it has ended, or is due again by the schedule.

The attempt is recorded after the receiver's answer. If a sender dies between the two, its claim expires and the
delivery is sent again under the same id: at least once, and the receiver can recognize the repetition.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from modelcote.aws.table import ConditionFailed, add, put, update
from modelcote.core.runs import SUCCEEDED
from modelcote.runs.messages import announce
from modelcote.runs.records import DELIVERED, EXHAUSTED, PENDING, Attempt, Delivery, Run, delivery_key, due_pk
from modelcote.runs.results import reference, result_members
from modelcote.runs.store import RunStore
from modelcote.webhooks import receiver_health
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth
from modelcote.webhooks.receiver_health import ReceiverHealth
from modelcote.webhooks.seal import unseal
from modelcote.webhooks.secrets import WebhookSecrets
from modelcote.webhooks.shapes import Shape, body_of
from modelcote.webhooks.sign import headers
from modelcote.webhooks.submitted import allowed
from modelcote.webhooks.transport import Limits, Outgoing, Received, deliver

EARLY_S: Final = 0.5  # A message may arrive this much before its time, by another clock.
_GONE = 410
_SQS_DELAY_S = 900  # SQS delays a message for at most this long; the watchdog announces what is due later.

Send = Callable[[Outgoing], Received]


@dataclass(frozen=True)
class Deliverer:
    """What sending needs. `kms` opens a run's own credentials, `stack` labels the metric, `shapes` are by dialect."""

    store: RunStore
    secrets: WebhookSecrets
    kms: Any
    stack: str
    shapes: Mapping[str, Shape]

    def attempt(self, project: str, run_id: str, send: Send | None = None) -> str:
        """Make the delivery's next attempt, if it is due. Return its state then, or `early`, `claimed`, `unknown`.

        Raise the error of the table, S3, KMS or Secrets Manager that prevented it: then nothing was sent.
        """
        item = self.store.table.get(*delivery_key(project, run_id))
        if item is None:
            return "unknown"
        delivery = Delivery.from_item(item)
        if delivery.state != PENDING:
            return delivery.state
        if delivery.next_at_s > self.store.clock() + EARLY_S:
            return "early"
        before = receiver_health.health_of(self.store, project, delivery.url)
        if before.disabled_at_s:
            return self._settle(delivery, EXHAUSTED, f"the endpoint is disabled: {before.reason}.")
        outgoing = self._outgoing(delivery)
        claimed = self._claim(delivery)
        if claimed is None:
            return "claimed"
        received = send(outgoing) if send else self._send(outgoing)
        return self._record(claimed, received, before)

    def _outgoing(self, delivery: Delivery) -> Outgoing:
        store = self.store
        run = store.get(delivery.project, delivery.run_id)
        limit = store.policy.delivery_body_bytes
        body = body_of(self.shapes, delivery, run, result_members(store, run, limit))
        if len(body) > limit and run.state == SUCCEEDED:
            body = body_of(self.shapes, delivery, run, reference(store, run))
        signed = headers(
            delivery.webhook_id,
            int(store.clock()),
            body,
            self.secrets.signing(delivery.project, delivery.model),
        )
        auth = self._auth(run)
        return Outgoing(
            delivery.url,
            {"content-type": "application/json", "modelcote-event": delivery.event, **signed},
            body,
            client_certificate=(auth.cert, auth.key) if isinstance(auth, MtlsAuth) else None,
            basic=(auth.username, auth.password) if isinstance(auth, BasicAuth) else None,
        )

    def _auth(self, run: Run) -> BasicAuth | MtlsAuth | None:
        if run.webhook_auth:
            return unseal(self.kms, run.webhook_auth, run.project, run.run_id)
        if not run.webhook_default_auth:
            return None
        return self.secrets.auth(run.project, run.model, run.webhook_url)

    def _send(self, outgoing: Outgoing) -> Received:
        policy = self.store.policy
        ca = Path(policy.webhook_ca) if policy.webhook_ca else None
        return deliver(outgoing, allowed(policy), Limits(policy.delivery_connect_s, policy.delivery_total_s, ca=ca))

    def _claim(self, delivery: Delivery) -> Delivery | None:
        at = self.store.clock()
        until = at + self.store.policy.delivery_claim_s
        try:
            item = self.store.table.update(
                delivery.key,
                {
                    "attempts": add(1),
                    "tries": add(1),
                    "claimed_until_s": until,
                    "due_at_s": until,
                    "due_pk": due_pk(delivery.run_id),
                },
                "#state = :pending AND #attempts = :attempts AND #claimed_until_s <= :at",
                pending=PENDING,
                attempts=delivery.attempts,
                at=at,
            )
        except ConditionFailed:
            return None
        return Delivery.from_item(item)

    def _record(self, delivery: Delivery, received: Received, before: ReceiverHealth) -> str:
        store, at = self.store, self.store.clock()
        attempt = Attempt(
            delivery.project,
            delivery.run_id,
            delivery.attempts,
            at_s=at - received.took_ms / 1000,
            status=received.status or 0,
            error=received.error or "",
            answer=received.body.decode("utf-8", "replace"),
            took_ms=round(received.took_ms, 3),
            expires_at_s=delivery.expires_at_s,
        )
        if received.delivered:
            if before.failing_since_s:
                receiver_health.enable(store, delivery.project, delivery.url)
            return self._settle(delivery, DELIVERED, "", attempt)
        gone = received.status == _GONE
        if receiver_health.record_failure(store, delivery.project, delivery.url, before, gone=gone):
            reason = "the receiver answered 410." if gone else "it failed for too long."
            return self._settle(delivery, EXHAUSTED, reason, attempt)
        if delivery.tries >= len(store.policy.delivery_schedule_s):
            return self._settle(delivery, EXHAUSTED, f"{delivery.tries} attempts failed.", attempt)
        return self._postpone(delivery, attempt, self._pause(delivery, received))

    def _pause(self, delivery: Delivery, received: Received) -> float:
        policy = self.store.policy
        planned = policy.delivery_schedule_s[delivery.tries]
        planned *= random.uniform(1 - policy.delivery_jitter, 1 + policy.delivery_jitter)  # noqa: S311  no secret
        return max(planned, min(received.retry_after_s or 0, policy.delivery_retry_after_max_s))

    def _postpone(self, delivery: Delivery, attempt: Attempt, pause_s: float) -> str:
        store, next_at = self.store, self.store.clock() + pause_s
        by_queue = pause_s <= _SQS_DELAY_S
        due_at = next_at + (store.policy.delivery_claim_s if by_queue else 0)
        self._write(delivery, {"next_at_s": next_at, "claimed_until_s": 0, "due_at_s": due_at}, attempt)
        if by_queue:
            announce(store, delivery, pause_s)
        return PENDING

    def _settle(self, delivery: Delivery, state: str, reason: str, attempt: Attempt | None = None) -> str:
        fields = {
            "state": state,
            "reason": reason,
            "delivered_at_s": self.store.clock() if state == DELIVERED else 0,
            "claimed_until_s": 0,
            "due_pk": None,
            "due_at_s": None,
        }
        self._write(delivery, fields, attempt)
        if state == EXHAUSTED:
            _metric(self.stack, delivery)
        return state

    def _write(self, delivery: Delivery, fields: dict[str, Any], attempt: Attempt | None) -> None:
        """Write the delivery's change and the attempt's row; only the row if the claim was over and another has it."""
        condition = "#state = :pending AND #attempts = :attempts"
        changed = update(delivery.key, fields, condition, pending=PENDING, attempts=delivery.attempts)
        actions = [changed, *([put(attempt.to_item())] if attempt else [])]
        try:
            self.store.table.transact(*actions)
        except ConditionFailed:
            if attempt is not None:
                self.store.table.put(attempt.to_item())


def _metric(stack: str, delivery: Delivery) -> None:
    """CloudWatch reads the metric from the log line (embedded metric format)."""
    metric = {"Namespace": "modelcote", "Dimensions": [["Stack"]], "Metrics": [{"Name": "DeliveriesExhausted"}]}
    line = {
        "_aws": {"Timestamp": int(delivery.next_at_s * 1000), "CloudWatchMetrics": [metric]},
        "Stack": stack,
        "DeliveriesExhausted": 1,
        "project": delivery.project,
        "run_id": delivery.run_id,
    }
    print(json.dumps(line), flush=True)
