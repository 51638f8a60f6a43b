"""What a run costs on AWS: counted calls and units, times AWS's list prices.

Prices are dollars per million in us-east-1, on demand, without free tiers and discounts. AWS's price list could not be
reached when this was written (21 November 2026); compare before you rely on it. From copies of pages: Step Functions
(aws.amazon.com/step-functions/pricing), SQS (cloudburn.io/blog/amazon-sqs-pricing, March 2026), DynamoDB
(airbyte.com/data-engineering-resources/dynamodb-pricing, July 2025). The others are the long-standing list prices of
aws.amazon.com/{lambda,s3,kms,secrets-manager,api-gateway}/pricing, not looked up again.

Where a page leaves room, the dearer reading counts: fair queues' surcharge on every request of a message, an index's
write in a transaction twice, a state machine's start and end as transitions. Nothing here ran on AWS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

HTTP_API = 1.00  # per million requests of up to 512 KB
LAMBDA_REQUESTS = 0.20
LAMBDA_GB_S = 16.6667  # x86
DYNAMODB_WRITE_UNITS = 0.625  # 1 KB each; twice for a transaction's (the price since 1 November 2024)
DYNAMODB_READ_UNITS = 0.125  # 4 KB each, consistent
SQS_REQUESTS = 0.40 + 0.10  # standard queue up to 64 KB, and what a message group on it (a fair queue) adds
S3_PUT, S3_GET = 5.00, 0.40
STEP_FUNCTIONS = 25.00  # a state transition of a Standard workflow
SECRETS_MANAGER = 5.00  # calls; what is read is kept for 30 s, so it is less with more traffic
KMS = 3.00  # SQS keeps a data key for five minutes, S3 has a bucket key, DynamoDB a table key: none of these per run

# Assumed, for GB-seconds: what a function of the platform waits for while it is billed, in milliseconds.
CALL_MS, MODEL_MS, RECEIVER_MS, OWN_MS = 10, 20, 100, 2
MEMORY_GB = {"gateway": 0.5, "run-worker": 0.5, "complete-run": 0.5, "deliver-webhook": 0.5}
_BATCHED = ("run-worker", "deliver-webhook")  # A batch's messages are processed side by side.
START_AND_END = 2

Number = Mapping[str, float]


def dollars(per_run: Number, units: Number, invoked: Number, row_bytes: float, transitions: float) -> dict[str, float]:
    """Return dollars per million runs by service, from numbers per run: calls, DynamoDB units, invocations by function.

    The model's own GB-seconds are not in it, nor storage and logs.
    """
    by_service = {
        "http_api": HTTP_API,
        "dynamodb": _dynamodb(units, row_bytes),
        "sqs": SQS_REQUESTS * _sum(per_run, "sqs "),
        "s3": S3_PUT * _sum(per_run, "s3 PutObject") + S3_GET * (_sum(per_run, "s3 GetObject") + _sum(per_run, "s3 H")),
        "lambda_requests": LAMBDA_REQUESTS * sum(invoked.values()),
        "lambda_gb_s": LAMBDA_GB_S * gb_seconds(per_run, invoked),
        "secrets_manager": SECRETS_MANAGER * _sum(per_run, "secretsmanager "),
        "kms": KMS * _sum(per_run, "kms "),
        "step_functions": STEP_FUNCTIONS * (transitions + START_AND_END if transitions else 0),
    }
    rounded = {name: round(price, 2) for name, price in by_service.items()}
    return {**rounded, "total": round(sum(by_service.values()), 2)}


def _dynamodb(units: Number, row_bytes: float) -> float:
    writes = units["writes of a run's row"] * math.ceil(row_bytes / 1024)
    writes += units["writes of other rows"] + units["writes of the index"]
    return writes * DYNAMODB_WRITE_UNITS + _sum(units, "reads ") * DYNAMODB_READ_UNITS


def gb_seconds(per_run: Number, invoked: Number) -> float:
    """Of the platform's functions, by the assumptions above."""
    long = "complete-run" in invoked
    waited_ms = {who: 0.0 for who in MEMORY_GB if who in invoked}
    for name, number in per_run.items():
        who = who_calls(name, long=long)
        if who in waited_ms:
            waited_ms[who] += CALL_MS * number
    if not long:
        waited_ms["run-worker"] += MODEL_MS
    if "deliver-webhook" in waited_ms:
        waited_ms["deliver-webhook"] += RECEIVER_MS
    billed_ms = {
        who: OWN_MS * invoked[who] + waited * (min(1, invoked[who]) if who in _BATCHED else 1)
        for who, waited in waited_ms.items()
    }
    return sum(MEMORY_GB[who] * billed / 1000 for who, billed in billed_ms.items())


def who_calls(name: str, *, long: bool) -> str:
    """Return the function that makes a call; `poller` for Lambda's own."""
    ends = "complete-run" if long else "run-worker"
    callers = {
        "dynamodb TransactWriteItems RUN new": "gateway",
        "dynamodb GetItem registry": "gateway",
        "s3 PutObject inputs/": "gateway",
        "sqs SendMessage runs": "gateway",
        "dynamodb UpdateItem RUN": "run-worker",
        "lambda Invoke": "run-worker",
        "states StartExecution": "run-worker",
        "s3 PutObject results/": "model",
        "s3 GetObject inputs/": "model",
        "dynamodb TransactWriteItems RUN": ends,
        "sqs SendMessage deliveries": ends,
        "dynamodb GetItem RUN": "complete-run" if long else "deliver-webhook",
        "s3 GetObject results/": "deliver-webhook",
        "secretsmanager GetSecretValue": "deliver-webhook",
        "sqs ReceiveMessage runs": "poller",
        "sqs DeleteMessageBatch runs": "poller",
        "sqs ReceiveMessage deliveries": "poller",
        "sqs DeleteMessageBatch deliveries": "poller",
    }
    return callers.get(name, "deliver-webhook" if "DELIVERY" in name or "ENDPOINT" in name else "other")


def _sum(numbers: Number, prefix: str) -> float:
    return sum(number for name, number in numbers.items() if name.startswith(prefix))


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return an item's size by DynamoDB's rule, from its wire form."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, inner),) = value.items()
    if kind == "N":
        return (len(inner.strip("-").replace(".", "")) + 1) // 2 + 1
    return len(str(inner).encode()) if kind == "S" else 1
