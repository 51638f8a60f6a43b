"""Rules for functions, what feeds them, state machines and builds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.policies.view import Finding, Planned, Rule, View, dig, each, equals, mentions, present, refers, under_key

SUPPORTED_RUNTIMES = ("python3.11", "python3.12", "python3.13")
# What a secret is likely to be called, and what some look like.
_SECRET_NAME = re.compile(r"(?i)(secret|passw|token|api_?key|private|credential)")
_SECRET_VALUE = re.compile(r"AKIA[0-9A-Z]{16}|mc_[0-9a-f]{16}_|-----BEGIN|eyJ[A-Za-z0-9_-]{10,}\.")


def _bounded(row: Planned) -> bool:
    reserved = row.inputs.get("reservedConcurrentExecutions")
    return isinstance(reserved, int) and reserved >= 1


def _secret_free(variables: dict[str, str]) -> bool:
    return not any(_SECRET_NAME.search(name) or _SECRET_VALUE.search(str(text)) for name, text in variables.items())


def _public_permissions(view: View) -> Iterator[Finding]:
    for row in view.of("Permission"):
        principal = str(row.inputs.get("principal", "*"))
        if principal == "*":
            yield row, "anyone may call the function"
        elif principal.endswith(".amazonaws.com") and not row.inputs.get("sourceArn"):
            yield row, "a service may call the function on behalf of anyone: sourceArn is missing"


def _fed(view: View) -> Iterator[tuple[Planned, Planned, Planned]]:
    """Yield every event source of a queue, with the queue and its function."""
    for source in view.of("EventSourceMapping"):
        arn, called = source.inputs.get("eventSourceArn"), source.inputs.get("functionName")
        queue = next((row for row in view.of("Queue") if refers(arn, row, "arn")), None)
        function = next((row for row in view.of("Function") if mentions(called, row, "name", "arn")), None)
        if queue is not None and function is not None:
            yield source, queue, function


def _visibility(view: View) -> Iterator[Finding]:
    for source, queue, function in _fed(view):
        if (queue.inputs.get("visibilityTimeoutSeconds") or 30) < 6 * (function.inputs.get("timeout") or 3):
            yield source, "the queue's visibility timeout is less than six times the function's timeout"


def _redrive(view: View) -> Iterator[Finding]:
    for source, queue, _ in _fed(view):
        if not queue.inputs.get("redrivePolicy"):
            yield source, "what the function cannot process would be redelivered until it expires"


def _polling(view: View) -> Iterator[Finding]:
    for source, _, function in _fed(view):
        bound, reserved = dig(source, "scalingConfig.maximumConcurrency"), dig(function, "reservedConcurrentExecutions")
        if isinstance(bound, int) and isinstance(reserved, int) and bound > reserved:
            yield source, "more is polled at once than the function may process: throttled messages become dead letters"


def _own_log_group(view: View) -> Iterator[Finding]:
    names = {row.inputs.get("name") for row in view.of("LogGroup")}
    for row in view.of("Function"):
        if f"/aws/lambda/{row.inputs.get('name')}" not in names:
            yield row, "Lambda would create a log group that never expires"


RULES = (
    Rule(
        "lambda-tracing",
        ("CKV_AWS_50",),
        "Functions are traced",
        each("Function", equals("tracingConfig.mode", "Active"), "tracing is not active"),
    ),
    Rule(
        "lambda-concurrency",
        ("CKV_AWS_115",),
        "A function cannot take the account's whole concurrency",
        each("Function", _bounded, "no reserved concurrency"),
    ),
    Rule(
        "lambda-failures",
        ("CKV_AWS_116",),
        "What a function could not process is kept",
        each("Function", present("deadLetterConfig.targetArn"), "no dead-letter target"),
    ),
    Rule(
        "lambda-secrets",
        ("CKV_AWS_45",),
        "No secret in a function's environment",
        each("Function", lambda row: _secret_free(dig(row, "environment.variables") or {}), "a variable looks secret"),
    ),
    Rule(
        "lambda-environment-key",
        ("CKV_AWS_173",),
        "Functions' environments are under a customer key",
        under_key("Function", "kmsKeyArn"),
    ),
    Rule(
        "lambda-runtime",
        ("CKV_AWS_363",),
        "Functions run on a supported runtime",
        each(
            "Function",
            lambda row: row.inputs.get("packageType") == "Image" or row.inputs.get("runtime") in SUPPORTED_RUNTIMES,
            "the runtime is not supported",
        ),
    ),
    Rule(
        "lambda-not-public", ("CKV_AWS_301", "CKV_AWS_364"), "Only a named source calls a function", _public_permissions
    ),
    Rule(
        "lambda-url",
        ("CKV_AWS_258",),
        "No function URL is open",
        each("FunctionUrl", equals("authorizationType", "AWS_IAM"), "the URL needs no authorisation"),
    ),
    Rule(
        "lambda-image-digest",
        (),
        "Images are named by digest: a tag that moves never updates a function",
        each("Function", lambda row: "@sha256:" in str(row.inputs.get("imageUri") or "@sha256:"), "named by a tag"),
    ),
    Rule(
        "lambda-sizes",
        (),
        "Functions set their memory and timeout",
        each(
            "Function",
            lambda row: bool(row.inputs.get("memorySize") and row.inputs.get("timeout")),
            "left to AWS's defaults",
        ),
    ),
    Rule("lambda-log-group", ("CKV_AWS_66",), "Every function has its log group", _own_log_group),
    Rule("lambda-visibility", (), "A queue waits for its function six times over", _visibility),
    Rule("lambda-redrive", (), "A queue that feeds a function has dead letters", _redrive),
    Rule("lambda-polling", (), "No more is polled than the function may process", _polling),
    Rule(
        "lambda-partial-batches",
        (),
        "One bad record does not fail its batch",
        each(
            "EventSourceMapping",
            lambda row: "ReportBatchItemFailures" in (row.inputs.get("functionResponseTypes") or ()),
            "failures are not reported one by one",
        ),
    ),
    Rule(
        "states-logging",
        ("CKV_AWS_285",),
        "State machines write a log",
        each(
            "StateMachine",
            lambda row: (
                dig(row, "loggingConfiguration.level") in ("ERROR", "FATAL", "ALL")
                and bool(dig(row, "loggingConfiguration.logDestination"))
            ),
            "no log",
        ),
    ),
    Rule(
        "states-tracing",
        ("CKV_AWS_284",),
        "State machines are traced",
        each("StateMachine", equals("tracingConfiguration.enabled", True), "tracing is not active"),
    ),
    Rule(
        "states-no-data",
        (),
        "No input or result of an execution is in a log",
        each(
            "StateMachine",
            lambda row: dig(row, "loggingConfiguration.includeExecutionData") is False,
            "callers' data would be logged",
        ),
    ),
    Rule("codebuild-key", ("CKV_AWS_147",), "Builds are under a customer key", under_key("Project", "encryptionKey")),
    Rule(
        "codebuild-logs",
        ("CKV_AWS_314",),
        "Builds are logged",
        each("Project", equals("logsConfig.cloudwatchLogs.status", "ENABLED"), "no log"),
    ),
    Rule(
        "codebuild-privileged",
        ("CKV_AWS_316",),
        "Builds are not privileged",
        each("Project", lambda row: not dig(row, "environment.privilegedMode"), "privileged"),
    ),
    Rule(
        "codebuild-secrets",
        ("CKV_AWS_78",),
        "No secret in a build's environment",
        each(
            "Project",
            lambda row: _secret_free(
                {item["name"]: item["value"] for item in dig(row, "environment.environmentVariables") or []}
            ),
            "a variable looks secret",
        ),
    ),
)
