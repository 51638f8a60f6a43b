"""Predict calls that become runs: those that request it, and those that were not answered in time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from modelcote.aws.http import aws_client
from modelcote.aws.services import S3, DynamoDb, Kms, Sqs
from modelcote.core.errors import BackendUnavailable
from modelcote.core.event import event_json
from modelcote.core.http_rules import JSON
from modelcote.core.runs import check_idempotency_key, run_limits
from modelcote.gateway.request import Data
from modelcote.gateway.response import Reply
from modelcote.gateway.routes import RunForm
from modelcote.gateway.run_options import RunOptions
from modelcote.registry.records import Model
from modelcote.runs.accept import Submission, accept, detach
from modelcote.runs.records import Run
from modelcote.runs.store import RunStore, make_store
from modelcote.webhooks.seal import seal
from modelcote.webhooks.submitted import models_webhook, read_webhook


@dataclass(frozen=True)
class Background:
    """The runs' store and the key that seals callbacks' credentials."""

    store: RunStore
    kms: Any
    key_arn: str

    def submit(self, model: Model, options: RunOptions, run_id: str) -> Reply:
        """Return 202 for the accepted run; raise the error for a limit, the webhook or the Idempotency-Key."""
        headers, policy = options.headers, self.store.policy
        key = headers.get("idempotency-key")
        submission = _submission(
            model,
            options.data,
            run_id,
            limits=run_limits(
                policy,
                model.timeout_s,
                queue=headers.get("x-modelcote-queue-limit"),
                run=headers.get("x-modelcote-run-limit"),
                result=headers.get("x-modelcote-result-ttl"),
            ),
            dialect=options.form.dialect,
            idempotency_key="" if key is None else check_idempotency_key(key),
            webhook=read_webhook(
                policy,
                model,
                options.webhook_url,
                options.webhook_auth,
                lambda auth: seal(self.kms, self.key_arn, auth, model.project, run_id),
            ),
        )
        run = accept(self.store, submission)
        return _accepted(options.form, run, {"preference-applied": "respond-async"} if options.prefers_async else {})

    def detach(self, model: Model, form: RunForm, data: Data, run_id: str, started_at_s: float) -> Reply:
        """Return 202 for a synchronous call that goes on computing."""
        limits, webhook = run_limits(self.store.policy, model.timeout_s), models_webhook(model)
        submission = _submission(model, data, run_id, limits=limits, dialect=form.dialect, webhook=webhook)
        try:
            run = detach(self.store, submission, started_at_s)
        except Exception as error:
            raise BackendUnavailable(
                "the model did not answer in time, and the run could not be recorded.", "Send `Prefer: respond-async`."
            ) from error
        return _accepted(form, run, {})


def _submission(model: Model, data: Data, run_id: str, **options: Any) -> Submission:
    return Submission(
        project=model.project,
        model=model.name,
        version=model.current_version,
        target=model.target,
        run_id=run_id,
        event=event_json(data.json, data.files, run_id),
        body=data.sent,
        **options,
    )


def _accepted(form: RunForm, run: Run, more: Mapping[str, str]) -> Reply:
    location = f"/v1/projects/{run.project}/runs/{run.run_id}"
    return orjson.dumps(form.accepted(run)).decode(), 202, {"content-type": JSON, "location": location, **more}


def background_from_env() -> Background:
    """Return the background of the function's environment, on clients that do without boto3."""
    store = make_store(os.environ, DynamoDb(aws_client("dynamodb")), S3(aws_client("s3")), Sqs(aws_client("sqs")))
    return Background(store, Kms(aws_client("kms")), os.environ["MODELCOTE_KEY_ARN"])
