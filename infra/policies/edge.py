"""Rules for the API and for alarms."""

from __future__ import annotations

from collections.abc import Iterator

from infra.policies.data import is_dead_letter
from infra.policies.view import Finding, Planned, Rule, View, dig, each, equals, present, refers


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
            yield queue, f"no alarm on {metric}"


def _function_alarms(view: View) -> Iterator[Finding]:
    for function in view.of("Function"):
        for metric in ("Errors", "Throttles", "Duration"):
            if not _watched(view, function, metric, "FunctionName", "name"):
                yield function, f"no alarm on {metric}"


def _table_alarms(view: View) -> Iterator[Finding]:
    for table in view.of("Table"):
        if not _watched(view, table, "ThrottledRequests", "TableName", "name"):
            yield table, "no alarm on throttling"


def _machine_alarms(view: View) -> Iterator[Finding]:
    for machine in view.of("StateMachine"):
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
            if not _watched(view, machine, metric, "StateMachineArn", "arn"):
                yield machine, f"no alarm on {metric}"


def _exhausted(view: View) -> Iterator[Finding]:
    alarmed = any(
        alarm.inputs.get("metricName") == "DeliveriesExhausted" and alarm.inputs.get("alarmActions")
        for alarm in view.of("MetricAlarm")
    )
    for queue in view.of("Queue"):
        if str(queue.inputs.get("name")).endswith("-deliveries") and not alarmed:
            yield queue, "no alarm on webhooks that failed after their last attempt"


def _api_alarms(view: View) -> Iterator[Finding]:
    for api in view.of("Api"):
        if not _watched(view, api, "5xx", "ApiId", "id"):
            yield api, "no alarm on 5xx answers"


RULES = (
    Rule(
        "api-access-log",
        ("CKV_AWS_76",),
        "The API writes an access log",
        each("Stage", present("accessLogSettings.destinationArn"), "no access log"),
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
        "Domain names accept TLS 1.2 only",
        each("DomainName", equals("domainNameConfiguration.securityPolicy", "TLS_1_2"), "older TLS is accepted"),
    ),
    Rule("alarm-queues", (), "Dead letters and old messages raise an alarm", _dead_letter_alarms),
    Rule("alarm-functions", (), "Errors, throttles and slow calls raise an alarm", _function_alarms),
    Rule("alarm-tables", (), "Throttled tables raise an alarm", _table_alarms),
    Rule("alarm-machines", (), "Executions that fail or time out raise an alarm", _machine_alarms),
    Rule("alarm-exhausted", (), "Webhooks that failed after their last attempt raise an alarm", _exhausted),
    Rule("alarm-api", (), "5xx answers raise an alarm", _api_alarms),
)
