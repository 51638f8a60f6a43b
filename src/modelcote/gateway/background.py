"""Predict calls that become runs: those that ask for it, and those that were not answered in time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from modelcote.aws.http import aws_client
from modelcote.aws.services import S3, DynamoDb, Kms, Sqs
from modelcote.core.errors import BackendUnavailable
from modelcote.core.runs import check_idempotency_key, run_limits
from modelcote.gateway.event import WEBHOOK_MEMBERS, Event, Reply, prefers_async
from modelcote.gateway.request import Request
from modelcote.registry.records import Model
from modelcote.runs.accept import Submission, accept, detach
from modelcote.runs.records import Run
from modelcote.runs.store import RunStore, make_store
from modelcote.webhooks.seal import seal
from modelcote.webhooks.submitted import Webhook, auth_from_header, read_webhook

# The Conduit interface's own sentence.
_MESSAGE = "We will return the output to the endpoint provided when the task is complete."
_POLL = "Poll the run at the URL in the header Location until it has ended."


@dataclass(frozen=True)
class Background:
    """The runs' store and the key that seals callbacks' credentials."""

    store: RunStore
    kms: Any
    key_arn: str

    def submit(self, request: Request, model: Model, event: Event, sent: bytes) -> Reply:
        """202 for the accepted run; raises what its limits, its webhook or its Idempotency-Key deserve."""
        headers: Mapping[str, str] = request.event.get("headers") or {}
        prefers = prefers_async(headers)
        conduit = isinstance(event.data, dict) and "webhook_endpoint" in event.data and not prefers
        url, auth, event = _taken_out(headers, event)
        key = headers.get("idempotency-key")
        submission = Submission(
            project=request.project,
            model=request.model,
            version=model.current_version,
            target=model.target,
            run_id=event.run_id,
            event=event.to_json(),
            limits=run_limits(
                self.store.policy,
                model.timeout_s,
                queue=headers.get("x-modelcote-queue-limit"),
                run=headers.get("x-modelcote-run-limit"),
                result=headers.get("x-modelcote-result-ttl"),
            ),
            dialect="conduit" if conduit else "native",
            idempotency_key="" if key is None else check_idempotency_key(key),
            body=sent,
        )
        webhook = read_webhook(
            self.store.policy,
            model,
            url,
            auth,
            lambda given: seal(self.kms, self.key_arn, given, request.project, event.run_id),
        )
        run = accept(self.store, _with(submission, webhook))
        applied = {"preference-applied": "respond-async"} if prefers else {}
        return _accepted(run, applied)

    def detach(self, request: Request, model: Model, event: Event, sent: bytes, started_at_s: float) -> Reply:
        """202 for a synchronous call that goes on computing."""
        submission = Submission(
            project=request.project,
            model=request.model,
            version=model.current_version,
            target=model.target,
            run_id=event.run_id,
            event=event.to_json(),
            limits=run_limits(self.store.policy, model.timeout_s),
            body=sent,
        )
        webhook = Webhook(model.webhook_url, default_auth=bool(model.webhook_url and model.webhook_auth))
        try:
            run = detach(self.store, _with(submission, webhook), started_at_s)
        except Exception as error:
            raise BackendUnavailable(
                "the model did not answer in time, and the run could not be kept.", "Send `Prefer: respond-async`."
            ) from error
        return _accepted(run, {})


def _with(submission: Submission, webhook: Webhook) -> Submission:
    return replace(
        submission, webhook_url=webhook.url, webhook_auth=webhook.auth, webhook_default_auth=webhook.default_auth
    )


def _taken_out(headers: Mapping[str, str], event: Event) -> tuple[Any, Any, Event]:
    """The webhook and its credentials (None: not given), and the event without them: the model never sees either."""
    url: Any = headers.get("x-modelcote-webhook")
    auth = auth_from_header(headers["x-modelcote-webhook-auth"]) if "x-modelcote-webhook-auth" in headers else None
    if isinstance(event.data, dict) and not WEBHOOK_MEMBERS.isdisjoint(event.data):
        # Not orjson, which would make floats of whole numbers beyond 64 bits.
        data = json.loads(event.body)
        if "webhook_endpoint" in data:
            # A null is as wrong as any other value that is no URL.
            url = data.pop("webhook_endpoint") or ""
        auth = data.pop("webhook_auth", auth)
        event = Event(data, json.dumps(data, separators=(",", ":")).encode(), event.files, event.run_id)
    return url, auth, event


def _accepted(run: Run, more: Mapping[str, str]) -> Reply:
    answer = {
        "run_id": run.run_id,
        "webhook_endpoint": run.webhook_url or None,
        "message": _MESSAGE if run.webhook_url else _POLL,
    }
    if run.dialect != "conduit":
        answer["state"] = run.state
    location = f"/v1/projects/{run.project}/runs/{run.run_id}"
    headers = {"content-type": "application/json", "location": location, **more}
    return orjson.dumps(answer).decode(), 202, headers


def background_from_env() -> Background:
    """Runs as the function's environment names them, on clients that do without boto3."""
    store = make_store(os.environ, DynamoDb(aws_client("dynamodb")), S3(aws_client("s3")), Sqs(aws_client("sqs")))
    return Background(store, Kms(aws_client("kms")), os.environ["MODELCOTE_KEY_ARN"])
