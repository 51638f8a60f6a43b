"""Makers of what calls functions by itself: event sources, schedules, a bucket's notifications, state machines."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from modelcote.local.materialise.context import Context, Inputs, Made, Maker, arn, auto_name, code_of, quietly
from modelcote.local.materialise.state import Record


def _event_source(context: Context, _urn: str, inputs: Inputs, before: Record | None) -> Made:
    client, function = context.client("lambda"), str(inputs["functionName"])
    scaling = inputs.get("scalingConfig") or {}
    settings: dict[str, Any] = {
        theirs: inputs[ours] for ours, theirs in _EVENT_SOURCE.items() if inputs.get(ours) is not None
    }
    settings["FunctionResponseTypes"] = list(inputs.get("functionResponseTypes") or [])
    # An empty object takes away a bound that there was before.
    settings["ScalingConfig"] = {"MaximumConcurrency": scaling["maximumConcurrency"]} if scaling else {}
    found = client.list_event_source_mappings(EventSourceArn=inputs["eventSourceArn"], FunctionName=function)
    known = [row["UUID"] for row in found["EventSourceMappings"]]
    if known:
        kept = before.id if before is not None and before.id in known else known[0]
        made = client.update_event_source_mapping(UUID=kept, FunctionName=function, **settings)
        # A crash between making and writing down may have left a second one, which would take every other message.
        for other in known:
            if other != kept:
                client.delete_event_source_mapping(UUID=other)
    else:
        made = client.create_event_source_mapping(
            EventSourceArn=inputs["eventSourceArn"], FunctionName=function, **settings
        )
    if before is not None and before.id not in [*known, made["UUID"]]:
        # It was of another queue or function, which cannot be changed in place.
        quietly(lambda: client.delete_event_source_mapping(UUID=before.id), "ResourceNotFoundException")
    identity = str(made["UUID"])
    return identity, {
        "uuid": identity,
        "arn": arn("lambda", f"event-source-mapping:{identity}"),
        "functionArn": made["FunctionArn"],
        "state": made["State"],
    }


_EVENT_SOURCE = {
    "batchSize": "BatchSize",
    "maximumBatchingWindowInSeconds": "MaximumBatchingWindowInSeconds",
    "enabled": "Enabled",
}


def _remove_event_source(context: Context, record: Record) -> None:
    quietly(lambda: context.client("lambda").delete_event_source_mapping(UUID=record.id), "ResourceNotFoundException")


def _rule(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    name = auto_name(urn, inputs)
    request = {theirs: inputs[ours] for ours, theirs in _RULE.items() if inputs.get(ours)}
    made = context.client("events").put_rule(Name=name, **request)["RuleArn"]
    return name, {"name": name, "arn": made}


_RULE = {
    "description": "Description",
    "scheduleExpression": "ScheduleExpression",
    "eventPattern": "EventPattern",
    "state": "State",
}


def _remove_rule(context: Context, record: Record) -> None:
    quietly(lambda: context.client("events").delete_rule(Name=record.id), "ResourceNotFoundException")


def _target(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    rule, identity = str(inputs["rule"]), auto_name(urn, inputs, "targetId")
    target = {"Id": identity, "Arn": inputs["arn"]}
    if inputs.get("input"):
        target["Input"] = inputs["input"]
    context.client("events").put_targets(Rule=rule, Targets=[target])
    return f"{rule}-{identity}", {"targetId": identity}


def _remove_target(context: Context, record: Record) -> None:
    quietly(
        lambda: context.client("events").remove_targets(Rule=record.inputs["rule"], Ids=[record.outputs["targetId"]]),
        "ResourceNotFoundException",
    )


def _notification(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    bucket = str(inputs["bucket"])
    queues = [_queue_configuration(row) for row in inputs.get("queues") or []]
    context.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": queues}
    )
    return bucket, {}


def _queue_configuration(row: Inputs) -> dict[str, Any]:
    rules = [
        {"Name": name, "Value": row[key]}
        for key, name in (("filterPrefix", "prefix"), ("filterSuffix", "suffix"))
        if row.get(key)
    ]
    made: dict[str, Any] = {"QueueArn": row["queueArn"], "Events": list(row["events"])}
    if row.get("id"):
        made["Id"] = row["id"]
    if rules:
        made["Filter"] = {"Key": {"FilterRules": rules}}
    return made


def _remove_notification(context: Context, record: Record) -> None:
    quietly(
        lambda: context.client("s3").put_bucket_notification_configuration(
            Bucket=record.id, NotificationConfiguration={}
        ),
        "NoSuchBucket",
    )


def _state_machine(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    client, name = context.client("stepfunctions"), auto_name(urn, inputs)
    made = arn("states", f"stateMachine:{name}")
    request: dict[str, Any] = {"definition": inputs["definition"], "roleArn": inputs["roleArn"]}
    logging, tracing = inputs.get("loggingConfiguration"), inputs.get("tracingConfiguration")
    if logging:
        request["loggingConfiguration"] = {
            "level": logging.get("level", "OFF"),
            "includeExecutionData": bool(logging.get("includeExecutionData")),
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": logging["logDestination"]}}],
        }
    if tracing:
        request["tracingConfiguration"] = {"enabled": bool(tracing.get("enabled"))}
    try:
        # In place: executions that run go on with the definition that they were started with.
        client.update_state_machine(stateMachineArn=made, **request)
    except ClientError as error:
        if code_of(error) != "StateMachineDoesNotExist":
            raise
        client.create_state_machine(name=name, type=inputs.get("type", "STANDARD"), **request)
    return made, {"arn": made, "name": name, "status": "ACTIVE"}


def _remove_state_machine(context: Context, record: Record) -> None:
    quietly(
        lambda: context.client("stepfunctions").delete_state_machine(stateMachineArn=record.id),
        "StateMachineDoesNotExist",
    )


MAKERS: dict[str, Maker] = {
    "aws:lambda/eventSourceMapping:EventSourceMapping": Maker(_event_source, _remove_event_source),
    "aws:cloudwatch/eventRule:EventRule": Maker(_rule, _remove_rule),
    "aws:cloudwatch/eventTarget:EventTarget": Maker(_target, _remove_target),
    "aws:s3/bucketNotification:BucketNotification": Maker(_notification, _remove_notification),
    "aws:sfn/stateMachine:StateMachine": Maker(_state_machine, _remove_state_machine),
}
