"""Rules for the API and for alarms."""

from __future__ import annotations

from collections.abc import Iterator

from infra.policies.data import is_dead_letter
from infra.policies.view import Check, Finding, Planned, Rule, View, dig, each, equals, present, refers


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


def _alarms(kind: str, dimension: str, output: str, *metrics: str) -> Check:
    """Return a check that every resource of a type has an alarm on each of these metrics."""

    def check(view: View) -> Iterator[Finding]:
        for row in view.of(kind):
            for metric in metrics:
                if not _watched(view, row, metric, dimension, output):
                    yield row, f"no alarm on {metric}"

    return check


def _exhausted(view: View) -> Iterator[Finding]:
    alarmed = any(
        alarm.inputs.get("metricName") == "DeliveriesExhausted" and alarm.inputs.get("alarmActions")
        for alarm in view.of("MetricAlarm")
    )
    for queue in view.of("Queue"):
        if str(queue.inputs.get("name")).endswith("-deliveries") and not alarmed:
            yield queue, "no alarm on webhooks that failed after their last attempt"


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
    Rule(
        "alarm-functions",
        (),
        "Errors, throttles and slow calls raise an alarm",
        _alarms("Function", "FunctionName", "name", "Errors", "Throttles", "Duration"),
    ),
    Rule(
        "alarm-tables",
        (),
        "Throttled tables raise an alarm",
        _alarms("Table", "TableName", "name", "ThrottledRequests"),
    ),
    Rule(
        "alarm-machines",
        (),
        "Executions that fail or time out raise an alarm",
        _alarms("StateMachine", "StateMachineArn", "arn", "ExecutionsFailed", "ExecutionsTimedOut"),
    ),
    Rule("alarm-exhausted", (), "Webhooks that failed after their last attempt raise an alarm", _exhausted),
    Rule("alarm-api", (), "5xx answers raise an alarm", _alarms("Api", "ApiId", "id", "5xx")),
)
