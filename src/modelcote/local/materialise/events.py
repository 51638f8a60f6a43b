"""Makers of queues, topics, schedules, state machines, logs and alarms."""

from __future__ import annotations

from typing import Any

from modelcote.local.materialise.maker import EXISTS, MISSING, Maker, Order, Result, arn, attempt, members, removal

_QUEUE = {
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "delaySeconds": "DelaySeconds",
    "redrivePolicy": "RedrivePolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
}


def _queue(order: Order) -> Result:
    sqs, name = order.client("sqs"), order.name()
    attributes = {
        theirs: _text(order.inputs[ours]) for ours, theirs in _QUEUE.items() if order.inputs.get(ours) is not None
    }
    # Not the URL of the last run, which may hold another port of the emulator.
    row = attempt(lambda: sqs.get_queue_url(QueueName=name), MISSING)
    if row is None:
        row = sqs.create_queue(QueueName=name, Attributes=attributes)
    else:
        attributes.pop("FifoQueue", None)
        sqs.set_queue_attributes(QueueUrl=row["QueueUrl"], Attributes=attributes)
    return row["QueueUrl"], {"name": name, "url": row["QueueUrl"], "arn": arn("sqs", name)}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _queue_policy(order: Order) -> Result:
    url = str(order.inputs["queueUrl"])
    order.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": order.inputs["policy"]})
    return url, {}


def _topic(order: Order) -> Result:
    name = order.name()
    identity = order.client("sns").create_topic(Name=name)["TopicArn"]
    return identity, {"arn": identity, "name": name}


def _topic_policy(order: Order) -> Result:
    topic, policy = str(order.inputs["arn"]), str(order.inputs["policy"])
    order.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    return topic, {}


def _subscription(order: Order) -> Result:
    request = {"TopicArn": order.inputs["topic"], **members(order.inputs, "protocol", "endpoint")}
    identity = order.client("sns").subscribe(**request)["SubscriptionArn"]
    return identity, {"arn": identity}


def _rule(order: Order) -> Result:
    name = order.name()
    request = members(order.inputs, "description", "scheduleExpression", "eventPattern", "state")
    return name, {"name": name, "arn": order.client("events").put_rule(Name=name, **request)["RuleArn"]}


def _target(order: Order) -> Result:
    rule, identity = str(order.inputs["rule"]), order.name("targetId")
    order.client("events").put_targets(Rule=rule, Targets=[{"Id": identity, **members(order.inputs, "arn", "input")}])
    return f"{rule}-{identity}", {"targetId": identity}


def _state_machine(order: Order) -> Result:
    client, name = order.client("stepfunctions"), order.name()
    identity = arn("states", f"stateMachine:{name}")
    request: dict[str, Any] = {"definition": order.inputs["definition"], "roleArn": order.inputs["roleArn"]}
    logging, tracing = order.inputs.get("loggingConfiguration"), order.inputs.get("tracingConfiguration")
    if logging:
        request["loggingConfiguration"] = {
            "level": logging.get("level", "OFF"),
            "includeExecutionData": bool(logging.get("includeExecutionData")),
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": logging["logDestination"]}}],
        }
    if tracing:
        request["tracingConfiguration"] = {"enabled": bool(tracing.get("enabled"))}
    attempt(
        # In place: running executions continue with the definition that they were started with.
        lambda: client.update_state_machine(stateMachineArn=identity, **request),
        MISSING,
        lambda: client.create_state_machine(name=name, type=order.inputs.get("type", "STANDARD"), **request),
    )
    return identity, {"arn": identity, "name": name, "status": "ACTIVE"}


def _log_group(order: Order) -> Result:
    logs, name = order.client("logs"), order.name()
    attempt(lambda: logs.create_log_group(logGroupName=name), EXISTS)
    if order.inputs.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=order.inputs["retentionInDays"])
    return name, {"name": name, "arn": arn("logs", f"log-group:{name}")}


_ALARM = (
    *("metricName", "namespace", "statistic", "extendedStatistic", "period", "evaluationPeriods"),
    *("threshold", "comparisonOperator", "treatMissingData", "alarmActions"),
)


def _alarm(order: Order) -> Result:
    name = order.name()
    dimensions = [{"Name": key, "Value": value} for key, value in (order.inputs.get("dimensions") or {}).items()]
    request = {"AlarmName": name, "Dimensions": dimensions, **members(order.inputs, *_ALARM)}
    order.client("cloudwatch").put_metric_alarm(**request)
    return name, {"name": name, "arn": arn("cloudwatch", f"alarm:{name}")}


MAKERS: dict[str, Maker] = {
    "aws:sqs/queue:Queue": Maker(_queue, removal("sqs", "delete_queue", "QueueUrl")),
    "aws:sqs/queuePolicy:QueuePolicy": Maker(_queue_policy),
    "aws:sns/topic:Topic": Maker(_topic),
    "aws:sns/topicPolicy:TopicPolicy": Maker(_topic_policy),
    "aws:sns/topicSubscription:TopicSubscription": Maker(_subscription),
    "aws:cloudwatch/eventRule:EventRule": Maker(_rule, removal("events", "delete_rule", "Name")),
    "aws:cloudwatch/eventTarget:EventTarget": Maker(
        _target,
        removal(
            "events",
            "remove_targets",
            Rule=lambda record: record.inputs["rule"],
            Ids=lambda record: [record.outputs["targetId"]],
        ),
    ),
    "aws:sfn/stateMachine:StateMachine": Maker(
        _state_machine, removal("stepfunctions", "delete_state_machine", "stateMachineArn")
    ),
    "aws:cloudwatch/logGroup:LogGroup": Maker(_log_group, removal("logs", "delete_log_group", "logGroupName")),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Maker(
        _alarm, removal("cloudwatch", "delete_alarms", AlarmNames=lambda record: [record.id])
    ),
}
