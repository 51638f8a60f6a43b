"""Makers of keys, tables, buckets, queues, topics, logs and alarms."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from modelcote.local.materialise.context import Context, Inputs, Made, Maker, arn, auto_name, code_of, nothing, quietly
from modelcote.local.materialise.state import Record


def _tags(inputs: Inputs) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]


def _key(context: Context, _urn: str, inputs: Inputs, before: Record | None) -> Made:
    kms, description = context.client("kms"), str(inputs.get("description", ""))
    known = before.id if before is not None and _key_exists(kms, before.id) else _key_described(kms, description)
    if known:
        kms.put_key_policy(KeyId=known, PolicyName="default", Policy=inputs["policy"])
        return known, {"arn": arn("kms", f"key/{known}"), "keyId": known}
    made = kms.create_key(Description=description, Policy=inputs["policy"])["KeyMetadata"]
    return made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]}


def _key_described(kms: Any, description: str) -> str:
    """The key of this description, which holds the stack's name, or an empty text: a key has no name of its own."""
    keys = (row["KeyId"] for page in kms.get_paginator("list_keys").paginate() for row in page["Keys"])
    rows = (kms.describe_key(KeyId=key)["KeyMetadata"] for key in keys) if description else ()
    return next((str(row["KeyId"]) for row in rows if row["Description"] == description and row["Enabled"]), "")


def _key_exists(kms: Any, key: str) -> bool:
    try:
        kms.describe_key(KeyId=key)
    except ClientError as error:
        if code_of(error) != "NotFoundException":
            raise
        return False
    return True


def _alias(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    kms, name, key = context.client("kms"), str(inputs["name"]), str(inputs["targetKeyId"])
    try:
        kms.create_alias(AliasName=name, TargetKeyId=key)
    except ClientError as error:
        if code_of(error) != "AlreadyExistsException":
            raise
        kms.update_alias(AliasName=name, TargetKeyId=key)
    return name, {"name": name, "arn": arn("kms", name)}


def table_request(name: str, inputs: Inputs) -> dict[str, Any]:
    """Return DynamoDB's `CreateTable` request for a table's inputs in the program."""
    keys = [("hashKey", "HASH"), ("rangeKey", "RANGE")]
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": inputs.get("billingMode", "PAY_PER_REQUEST"),
        "AttributeDefinitions": [
            {"AttributeName": row["name"], "AttributeType": row["type"]} for row in inputs["attributes"]
        ],
        "KeySchema": [{"AttributeName": inputs[key], "KeyType": kind} for key, kind in keys if inputs.get(key)],
    }
    if inputs.get("streamEnabled"):
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}
    indexes = [_index(row) for row in inputs.get("globalSecondaryIndexes") or []]
    if indexes:
        request[_INDEXES] = indexes
    return request


def _table(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    dynamodb, name = context.client("dynamodb"), auto_name(urn, inputs)
    request = table_request(name, inputs)
    quietly(lambda: dynamodb.create_table(**request), "ResourceInUseException")
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    _match_indexes(dynamodb, name, request["AttributeDefinitions"], request.get(_INDEXES, []))
    ttl = inputs.get("ttl")
    if ttl:
        wanted = {"Enabled": bool(ttl["enabled"]), "AttributeName": ttl["attributeName"]}
        quietly(
            lambda: dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted), "ValidationException"
        )
    found = dynamodb.describe_table(TableName=name)["Table"]
    return name, {"name": name, "arn": found["TableArn"], "streamArn": found.get("LatestStreamArn", "")}


def _index(row: Inputs) -> dict[str, Any]:
    return {
        "IndexName": row["name"],
        "KeySchema": [{"AttributeName": key["attributeName"], "KeyType": key["keyType"]} for key in row["keySchemas"]],
        "Projection": {"ProjectionType": row["projectionType"]},
    }


def _match_indexes(dynamodb: Any, table: str, attributes: list[dict[str, str]], wanted: list[dict[str, Any]]) -> None:
    """Make the indexes of a table that was there before, and take away those that are no longer wanted."""
    known = {row["IndexName"] for row in dynamodb.describe_table(TableName=table)["Table"].get(_INDEXES, [])}
    missing = [row for row in wanted if row["IndexName"] not in known]
    updates = [
        *({"Create": row} for row in missing),
        *({"Delete": {"IndexName": index}} for index in sorted(known - {row["IndexName"] for row in wanted})),
    ]
    # DynamoDB takes one such change at a time.
    for update in updates:
        dynamodb.update_table(TableName=table, AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=[update])


_INDEXES = "GlobalSecondaryIndexes"


def _remove_table(context: Context, record: Record) -> None:
    quietly(lambda: context.client("dynamodb").delete_table(TableName=record.id), "ResourceNotFoundException")


def _bucket(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    name = auto_name(urn, inputs, "bucket")
    quietly(lambda: context.client("s3").create_bucket(Bucket=name), "BucketAlreadyOwnedByYou", "BucketAlreadyExists")
    return name, {
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.amazonaws.com",
    }


def _camel(value: Any) -> Any:
    """The provider's camelCase as S3's own names, for the configurations where only the first letter differs."""
    if isinstance(value, dict):
        return {_S3_NAMES.get(key, key[0].upper() + key[1:]): _camel(part) for key, part in value.items()}
    return [_camel(part) for part in value] if isinstance(value, list) else value


_S3_NAMES = {"kmsMasterKeyId": "KMSMasterKeyID", "sseAlgorithm": "SSEAlgorithm", "id": "ID"}


def _on_bucket(call: str, argument: str, pick: Any) -> Maker:
    def make(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
        bucket = str(inputs["bucket"])
        getattr(context.client("s3"), call)(Bucket=bucket, **{argument: pick(inputs)})
        return bucket, {}

    return Maker(make, nothing)


def _queue(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    sqs, name = context.client("sqs"), auto_name(urn, inputs)
    attributes = {theirs: _text(inputs[ours]) for ours, theirs in _QUEUE.items() if inputs.get(ours) is not None}
    try:
        # Not the one of the last run: it holds the emulator's port of then.
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except ClientError as error:
        if code_of(error) not in ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"):
            raise
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    else:
        changeable = {key: value for key, value in attributes.items() if key != "FifoQueue"}
        sqs.set_queue_attributes(QueueUrl=url, Attributes=changeable)
    return url, {"name": name, "url": url, "arn": arn("sqs", name)}


_QUEUE = {
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "delaySeconds": "DelaySeconds",
    "redrivePolicy": "RedrivePolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _remove_queue(context: Context, record: Record) -> None:
    context.client("sqs").delete_queue(QueueUrl=record.id)


def _queue_policy(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    url = str(inputs["queueUrl"])
    context.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs["policy"]})
    return url, {}


def _topic(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    name = auto_name(urn, inputs)
    made = context.client("sns").create_topic(Name=name)["TopicArn"]
    return made, {"arn": made, "name": name}


def _topic_policy(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    topic = str(inputs["arn"])
    context.client("sns").set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=str(inputs["policy"])
    )
    return topic, {}


def _subscription(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    made = context.client("sns").subscribe(
        TopicArn=inputs["topic"], Protocol=inputs["protocol"], Endpoint=inputs["endpoint"]
    )["SubscriptionArn"]
    return made, {"arn": made}


def _log_group(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    logs, name = context.client("logs"), auto_name(urn, inputs)
    quietly(lambda: logs.create_log_group(logGroupName=name), "ResourceAlreadyExistsException")
    if inputs.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
    return name, {"name": name, "arn": arn("logs", f"log-group:{name}")}


def _remove_log_group(context: Context, record: Record) -> None:
    quietly(lambda: context.client("logs").delete_log_group(logGroupName=record.id), "ResourceNotFoundException")


def _alarm(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    name = auto_name(urn, inputs)
    request = {theirs: inputs[ours] for ours, theirs in _ALARM.items() if inputs.get(ours) is not None}
    dimensions = [{"Name": key, "Value": value} for key, value in (inputs.get("dimensions") or {}).items()]
    context.client("cloudwatch").put_metric_alarm(AlarmName=name, Dimensions=dimensions, **request)
    return name, {"name": name, "arn": arn("cloudwatch", f"alarm:{name}")}


_ALARM = {
    "metricName": "MetricName",
    "namespace": "Namespace",
    "statistic": "Statistic",
    "extendedStatistic": "ExtendedStatistic",
    "period": "Period",
    "evaluationPeriods": "EvaluationPeriods",
    "threshold": "Threshold",
    "comparisonOperator": "ComparisonOperator",
    "treatMissingData": "TreatMissingData",
    "alarmActions": "AlarmActions",
}


def _remove_alarm(context: Context, record: Record) -> None:
    context.client("cloudwatch").delete_alarms(AlarmNames=[record.id])


def _lifecycle(inputs: Inputs) -> Any:
    return {"Rules": [{**_camel(row), "Filter": _filter(row.get("filter") or {})} for row in inputs["rules"]]}


def _filter(given: Inputs) -> Any:
    """A rule's filter; its tags are names of the user's own, which keep their case."""
    both = given.get("and")
    if not both:
        return _camel(given)
    tags = [{"Key": key, "Value": value} for key, value in (both.get("tags") or {}).items()]
    return {"And": {**_camel({key: value for key, value in both.items() if key != "tags"}), "Tags": tags}}


def _encryption(inputs: Inputs) -> Any:
    return {"Rules": _camel(inputs["rules"])}


_ACCESS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

MAKERS: dict[str, Maker] = {
    "aws:kms/key:Key": Maker(_key, nothing),
    "aws:kms/alias:Alias": Maker(_alias, nothing),
    "aws:dynamodb/table:Table": Maker(_table, _remove_table),
    "aws:s3/bucket:Bucket": Maker(_bucket, nothing),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _on_bucket(
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        lambda inputs: {key[0].upper() + key[1:]: bool(inputs.get(key)) for key in _ACCESS},
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _on_bucket(
        "put_bucket_ownership_controls", "OwnershipControls", lambda inputs: {"Rules": [_camel(inputs["rule"])]}
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _on_bucket(
        "put_bucket_encryption", "ServerSideEncryptionConfiguration", _encryption
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _on_bucket(
        "put_bucket_versioning", "VersioningConfiguration", lambda inputs: _camel(inputs["versioningConfiguration"])
    ),
    "aws:s3/bucketLogging:BucketLogging": _on_bucket(
        "put_bucket_logging",
        "BucketLoggingStatus",
        lambda inputs: {
            "LoggingEnabled": {"TargetBucket": inputs["targetBucket"], "TargetPrefix": inputs["targetPrefix"]}
        },
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _on_bucket(
        "put_bucket_policy", "Policy", lambda inputs: json.dumps(json.loads(inputs["policy"]))
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _on_bucket(
        "put_bucket_lifecycle_configuration", "LifecycleConfiguration", _lifecycle
    ),
    "aws:sqs/queue:Queue": Maker(_queue, _remove_queue),
    "aws:sqs/queuePolicy:QueuePolicy": Maker(_queue_policy, nothing),
    "aws:sns/topic:Topic": Maker(_topic, nothing),
    "aws:sns/topicPolicy:TopicPolicy": Maker(_topic_policy, nothing),
    "aws:sns/topicSubscription:TopicSubscription": Maker(_subscription, nothing),
    "aws:cloudwatch/logGroup:LogGroup": Maker(_log_group, _remove_log_group),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Maker(_alarm, _remove_alarm),
}
