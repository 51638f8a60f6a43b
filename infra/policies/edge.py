"""Rules for the API and for what must be told to somebody."""

from __future__ import annotations

from collections.abc import Iterator

from infra.policies.data import is_dead_letter
from infra.policies.view import Finding, Planned, Rule, View, dig, each, equals, given, refers


def _throttled(row: Planned) -> bool:
    return bool(dig(row, "defaultRouteSettings.throttlingRateLimit")) and bool(
        dig(row, "defaultRouteSettings.throttlingBurstLimit")
    )


def _watched(view: View, row: Planned, metric: str, dimension: str, output: str) -> bool:
    return any(
        alarm.inputs.get("metricName") == metric
        and alarm.inputs.get("alarmActions")
        and refers((alarm.inputs.get("dimensions") or {}).get(dimension), row, output)
        for alarm in view.of("MetricAlarm")
    )


def _dead_letter_alarms(view: View) -> Iterator[Finding]:
    for queue in view.of("Queue"):
        metric = (
            "ApproximateNumberOfMessagesVisible" if is_dead_letter(view, queue) else "ApproximateAgeOfOldestMessage"
        )
        if not _watched(view, queue, metric, "QueueName", "name"):
            yield queue, f"nobody is told of {metric}"


def _function_alarms(view: View) -> Iterator[Finding]:
    for function in view.of("Function"):
        for metric in ("Errors", "Throttles", "Duration"):
            if not _watched(view, function, metric, "FunctionName", "name"):
                yield function, f"nobody is told of {metric}"


def _table_alarms(view: View) -> Iterator[Finding]:
    for table in view.of("Table"):
        if not _watched(view, table, "ThrottledRequests", "TableName", "name"):
            yield table, "nobody is told of throttling"


def _machine_alarms(view: View) -> Iterator[Finding]:
    for machine in view.of("StateMachine"):
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
            if not _watched(view, machine, metric, "StateMachineArn", "arn"):
                yield machine, f"nobody is told of {metric}"


def _exhausted(view: View) -> Iterator[Finding]:
    told = any(
        alarm.inputs.get("metricName") == "DeliveriesExhausted" and alarm.inputs.get("alarmActions")
        for alarm in view.of("MetricAlarm")
    )
    for queue in view.of("Queue"):
        if str(queue.inputs.get("name")).endswith("-deliveries") and not told:
            yield queue, "nobody is told of webhooks that were given up"


def _api_alarms(view: View) -> Iterator[Finding]:
    for api in view.of("Api"):
        if not _watched(view, api, "5xx", "ApiId", "id"):
            yield api, "nobody is told of 5xx answers"


RULES = (
    Rule(
        "api-access-log",
        ("CKV_AWS_76",),
        "The API writes an access log",
        each("Stage", given("accessLogSettings.destinationArn"), "no access log"),
    ),
    Rule(
        "api-authorised",
        ("CKV_AWS_309",),
        "Every route is authorised",
        each("Route", lambda row: row.inputs.get("authorizationType", "NONE") != "NONE", "open to everyone"),
    ),
    Rule("api-throttled", (), "The API is throttled", each("Stage", _throttled, "not throttled")),
    Rule(
        "api-tls",
        ("CKV_AWS_206",),
        "Domain names take TLS 1.2 only",
        each("DomainName", equals("domainNameConfiguration.securityPolicy", "TLS_1_2"), "older TLS is taken"),
    ),
    Rule("alarm-queues", (), "Somebody is told of dead letters and of old messages", _dead_letter_alarms),
    Rule("alarm-functions", (), "Somebody is told of errors, throttles and slow calls", _function_alarms),
    Rule("alarm-tables", (), "Somebody is told of throttled tables", _table_alarms),
    Rule("alarm-machines", (), "Somebody is told of executions that failed or took too long", _machine_alarms),
    Rule("alarm-exhausted", (), "Somebody is told of webhooks that were given up", _exhausted),
    Rule("alarm-api", (), "Somebody is told of 5xx answers", _api_alarms),
)
