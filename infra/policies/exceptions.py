"""The exceptions to the rules, with reasons. A test refuses an exception that is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from infra.policies.view import Violation


@dataclass(frozen=True)
class Excuse:
    """`resource` is a pattern of the logical name; `message`, if set, must be in the violation's."""

    rule: str
    resource: str
    reason: str
    message: str = ""

    def covers(self, violation: Violation) -> bool:
        return (
            violation.rule == self.rule
            and fnmatchcase(violation.resource, self.resource)
            and self.message in violation.message
        )


EXCEPTIONS: tuple[Excuse, ...] = (
    Excuse(
        "iam-resources",
        "*",
        "X-Ray's actions have no resource types: AWS accepts * only.",
        message="Trace: the resource *",
    ),
    Excuse(
        "iam-resources",
        "platform-control-access",
        "ListSecrets has no resource types: AWS accepts * only. It returns names, never values, and control shows a "
        "project its own.",
        message="ListSecrets: the resource *",
    ),
    Excuse(
        "iam-resources",
        "platform-runs-long-run-access",
        "The actions by which Step Functions delivers its log have no resource types: AWS accepts * only.",
        message="Delivery: the resource *",
    ),
    Excuse(
        "iam-resources",
        "platform-runs-deliver-webhook-network-access",
        "Lambda creates the network interfaces under the role: some of the actions have no resource types, and the "
        "interfaces have no names before. The function's own code is denied them all.",
        message="Network: the resource *",
    ),
    Excuse(
        "webhook-secrets",
        "platform-control-access",
        "Control creates, rotates and deletes the secrets, and shows a new one once.",
    ),
    Excuse(
        "webhook-secrets",
        "platform-runs-deliver-webhook-access",
        "It signs the webhooks.",
    ),
    Excuse(
        "s3-key",
        "platform-buckets-logs",
        "S3 delivers access logs only to a bucket under its own key (SSE-S3).",
    ),
    Excuse(
        "s3-access-log",
        "platform-buckets-logs",
        "It holds the access log: logging it too would never end.",
    ),
    Excuse(
        "api-authorised",
        "platform-routes-*",
        "The gateway and control check API keys and JWTs themselves: an authorizer would read the registry a second "
        "time on every request, and could not answer with a problem.",
    ),
    Excuse(
        "lambda-concurrency",
        "model-*",
        "A model without max_replicas shares the account's concurrency: reserving some for every model would use up "
        "the account's 1,000 at a hundred models.",
    ),
    Excuse(
        "lambda-failures",
        "model-*",
        "Models are only called synchronously, by the gateway, which answers with the failure; a dead-letter queue "
        "would need every model's role to write to one queue.",
    ),
    Excuse(
        "alarm-functions",
        "model-*",
        "Three alarms a model cost more than most models do; a failing model shows in the API's 5xx.",
    ),
)
