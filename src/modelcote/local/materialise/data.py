"""Makers of tables and buckets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelcote.local.materialise.maker import EXISTS, Inputs, Maker, Order, Result, attempt, aws_names, members, removal

_INDEXES = "GlobalSecondaryIndexes"


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
    if inputs.get("globalSecondaryIndexes"):
        request[_INDEXES] = [
            {
                "IndexName": row["name"],
                "KeySchema": [members(key, "attributeName", "keyType") for key in row["keySchemas"]],
                "Projection": members(row, "projectionType"),
            }
            for row in inputs["globalSecondaryIndexes"]
        ]
    return request


def _table(order: Order) -> Result:
    dynamodb, name = order.client("dynamodb"), order.name()
    request = table_request(name, order.inputs)
    attempt(lambda: dynamodb.create_table(**request), EXISTS)
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    _match_indexes(dynamodb, name, request["AttributeDefinitions"], request.get(_INDEXES, []))
    ttl = order.inputs.get("ttl")
    if ttl:
        setting = {"Enabled": bool(ttl["enabled"]), "AttributeName": ttl["attributeName"]}
        attempt(
            lambda: dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=setting),
            ("ValidationException",),  # it is set already
        )
    table = dynamodb.describe_table(TableName=name)["Table"]
    return name, {"name": name, "arn": table["TableArn"], "streamArn": table.get("LatestStreamArn", "")}


def _match_indexes(dynamodb: Any, table: str, attributes: list[dict[str, str]], indexes: list[dict[str, Any]]) -> None:
    """Create the indexes that an existing table lacks, and delete those that the program no longer has."""
    existing = {row["IndexName"] for row in dynamodb.describe_table(TableName=table)["Table"].get(_INDEXES, [])}
    surplus = sorted(existing - {row["IndexName"] for row in indexes})
    updates = [
        *({"Create": row} for row in indexes if row["IndexName"] not in existing),
        *({"Delete": {"IndexName": index}} for index in surplus),
    ]
    # DynamoDB accepts one such change at a time.
    for update in updates:
        dynamodb.update_table(TableName=table, AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=[update])


def _bucket(order: Order) -> Result:
    name = order.name("bucket")
    attempt(lambda: order.client("s3").create_bucket(Bucket=name), EXISTS)
    return name, {"bucket": name, "arn": f"arn:aws:s3:::{name}"}


def _setting(operation: str, argument: str, value: Callable[[Inputs], Any]) -> Maker:
    """Return the maker of a bucket's setting, which one call puts in place."""

    def make(order: Order) -> Result:
        bucket = str(order.inputs["bucket"])
        getattr(order.client("s3"), operation)(Bucket=bucket, **{argument: value(order.inputs)})
        return bucket, {}

    return Maker(make)


def _filter(rule: Inputs) -> Any:
    """Return a lifecycle rule's filter; its tags are the program's own names, which keep their case."""
    both = rule.get("and")
    if not both:
        return aws_names(rule)
    tags = [{"Key": key, "Value": value} for key, value in (both.get("tags") or {}).items()]
    return {"And": {**aws_names({key: value for key, value in both.items() if key != "tags"}), "Tags": tags}}


def _notification(order: Order) -> Result:
    bucket = str(order.inputs["bucket"])
    order.client("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [_queue_configuration(row) for row in order.inputs.get("queues") or []]
        },
    )
    return bucket, {}


def _queue_configuration(row: Inputs) -> dict[str, Any]:
    rules = [
        {"Name": name, "Value": row[key]}
        for key, name in (("filterPrefix", "prefix"), ("filterSuffix", "suffix"))
        if row.get(key)
    ]
    configuration = members(row, "queueArn", "events")
    if row.get("id"):
        configuration["Id"] = row["id"]
    if rules:
        configuration["Filter"] = {"Key": {"FilterRules": rules}}
    return configuration


_ACCESS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

MAKERS: dict[str, Maker] = {
    "aws:dynamodb/table:Table": Maker(_table, removal("dynamodb", "delete_table", "TableName")),
    "aws:s3/bucket:Bucket": Maker(_bucket),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        lambda inputs: aws_names({key: bool(inputs.get(key)) for key in _ACCESS}),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _setting(
        "put_bucket_ownership_controls", "OwnershipControls", lambda inputs: {"Rules": [aws_names(inputs["rule"])]}
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _setting(
        "put_bucket_encryption", "ServerSideEncryptionConfiguration", lambda inputs: members(inputs, "rules")
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _setting(
        "put_bucket_versioning", "VersioningConfiguration", lambda inputs: aws_names(inputs["versioningConfiguration"])
    ),
    "aws:s3/bucketLogging:BucketLogging": _setting(
        "put_bucket_logging",
        "BucketLoggingStatus",
        lambda inputs: {"LoggingEnabled": members(inputs, "targetBucket", "targetPrefix")},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _setting("put_bucket_policy", "Policy", lambda inputs: inputs["policy"]),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _setting(
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        lambda inputs: {
            "Rules": [{**aws_names(row), "Filter": _filter(row.get("filter") or {})} for row in inputs["rules"]]
        },
    ),
    "aws:s3/bucketNotification:BucketNotification": Maker(
        _notification,
        removal("s3", "put_bucket_notification_configuration", "Bucket", NotificationConfiguration=lambda _record: {}),
    ),
}
