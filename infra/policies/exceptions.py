"""Where a rule does not hold, and why: the only such place. A test refuses an exception that nothing needs."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from infra.policies.view import Violation


@dataclass(frozen=True)
class Excuse:
    """`resource` is a pattern of the logical name; `message`, where given, must be in the violation's."""

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
        "X-Ray's actions know no resources: AWS takes * only.",
        message="Trace: the resource *",
    ),
    Excuse(
        "iam-resources",
        "platform-control-access",
        "ListSecrets knows no resources: AWS takes * only. It gives names, never values, and control shows a project "
        "its own.",
        message="ListSecrets: the resource *",
    ),
    Excuse(
        "iam-resources",
        "platform-runs-long-run-access",
        "The actions by which Step Functions has its log delivered know no resources: AWS takes * only.",
        message="Delivery: the resource *",
    ),
    Excuse(
        "iam-resources",
        "platform-runs-deliver-webhook-network-access",
        "Lambda makes the network interfaces by the role: some of the actions know no resources, and the interfaces "
        "have no names before. The function's own code is denied them all.",
        message="Network: the resource *",
    ),
    Excuse(
        "webhook-secrets",
        "platform-control-access",
        "Control makes, rotates and deletes the secrets, and shows a new one once.",
    ),
    Excuse(
        "webhook-secrets",
        "platform-runs-deliver-webhook-access",
        "It signs what is sent.",
    ),
    Excuse(
        "s3-key",
        "platform-buckets-logs",
        "S3 delivers access logs only to a bucket under its own key (SSE-S3).",
    ),
    Excuse(
        "s3-access-log",
        "platform-buckets-logs",
        "It holds the access log: its own would log its own writing for ever.",
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
        "A model without max_replicas shares the account's concurrency: reserving it for every model would use the "
        "account's 1,000 up at a hundred models.",
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
