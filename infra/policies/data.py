"""Rules for tables, buckets, queues, topics, logs and keys."""

from __future__ import annotations

from collections.abc import Iterator

from infra.policies.view import (
    Check,
    Finding,
    Planned,
    Rule,
    View,
    dig,
    each,
    equals,
    mentions,
    present,
    refers,
    statements,
    under_key,
)

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _bucket_has(kind: str, message: str, *paths: tuple[str, object]) -> Check:
    """Return a check that every bucket has a resource of this type with these inputs (`...` for any)."""

    def check(view: View) -> Iterator[Finding]:
        for bucket in view.of("Bucket"):
            beside = view.beside(kind, "bucket", bucket, "bucket")
            if beside is None or not all(
                bool(dig(beside, path)) if value is ... else dig(beside, path) == value for path, value in paths
            ):
                yield bucket, message

    return check


def _denies_plain(row: Planned) -> bool:
    return any(
        item.get("Effect") == "Deny"
        and item.get("Principal") == "*"
        and item.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
        for item in statements(row)
    )


def _tls_only(kind: str, policy: str, prop: str, output: str) -> Check:
    """Return a check that every resource of a type has a policy that denies plain HTTP."""

    def check(view: View) -> Iterator[Finding]:
        for row in view.of(kind):
            beside = view.beside(policy, prop, row, output)
            if beside is None or not _denies_plain(beside):
                yield row, "plain HTTP is not denied"

    return check


def _public_grants(view: View) -> Iterator[Finding]:
    for kind in ("QueuePolicy", "BucketPolicy", "TopicPolicy", "Key"):
        for row in view.of(kind):
            if any(item.get("Effect") == "Allow" and _public(item.get("Principal")) for item in statements(row)):
                yield row, "everyone is allowed something"


def _public(principal: object) -> bool:
    if isinstance(principal, dict):
        return any(_public(value) for value in principal.values())
    return principal == "*" or (isinstance(principal, list) and "*" in principal)


def is_dead_letter(view: View, queue: Planned) -> bool:
    """Return whether something sends what it could not process to this queue."""
    redrives = any(mentions(row.inputs.get("redrivePolicy"), queue, "arn") for row in view.of("Queue"))
    return redrives or any(
        refers(dig(row, path), queue, "arn")
        for kind, path in (
            ("Function", "deadLetterConfig.targetArn"),
            ("EventSourceMapping", "destinationConfig.onFailure.destinationArn"),
        )
        for row in view.of(kind)
    )


def _dead_letters(view: View) -> Iterator[Finding]:
    for queue in view.of("Queue"):
        if not queue.inputs.get("redrivePolicy") and not is_dead_letter(view, queue):
            yield queue, "no dead-letter queue"


RULES = (
    Rule(
        "dynamodb-recovery",
        ("CKV_AWS_28",),
        "Tables can be restored to any second",
        each("Table", equals("pointInTimeRecovery.enabled", True), "no point-in-time recovery"),
    ),
    Rule(
        "dynamodb-key",
        ("CKV_AWS_119",),
        "Tables are under a customer key",
        under_key("Table", "serverSideEncryption.kmsKeyArn"),
    ),
    Rule(
        "dynamodb-deletion",
        ("SH DynamoDB.6",),
        "Tables are protected from deletion",
        each("Table", equals("deletionProtectionEnabled", True), "not protected"),
    ),
    Rule(
        "dynamodb-on-demand",
        (),
        "Tables cost nothing without calls",
        each("Table", equals("billingMode", "PAY_PER_REQUEST"), "capacity is provisioned"),
    ),
    Rule(
        "s3-private",
        ("CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"),
        "Buckets block public access four ways",
        _bucket_has("BucketPublicAccessBlock", "public access is not blocked", *((name, True) for name in _BLOCKS)),
    ),
    Rule(
        "s3-key",
        ("CKV_AWS_145",),
        "Buckets are under a customer key",
        _bucket_has(
            "BucketServerSideEncryptionConfiguration",
            "no customer key",
            ("rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "aws:kms"),
            ("rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId", ...),
        ),
    ),
    Rule(
        "s3-versioning",
        ("CKV_AWS_21",),
        "Buckets keep old versions",
        _bucket_has("BucketVersioning", "no versioning", ("versioningConfiguration.status", "Enabled")),
    ),
    Rule("s3-tls", ("SH S3.5",), "Buckets take TLS only", _tls_only("Bucket", "BucketPolicy", "bucket", "bucket")),
    Rule(
        "s3-access-log",
        ("CKV_AWS_18",),
        "Access to buckets is logged",
        _bucket_has("BucketLogging", "no access log", ("targetBucket", ...)),
    ),
    Rule(
        "s3-lifecycle",
        ("CKV2_AWS_61", "CKV_AWS_300"),
        "Buckets end unfinished uploads",
        _bucket_has(
            "BucketLifecycleConfiguration",
            "unfinished uploads stay",
            ("rules.0.status", "Enabled"),
            ("rules.0.abortIncompleteMultipartUpload.daysAfterInitiation", ...),
        ),
    ),
    Rule(
        "s3-no-acls",
        ("SH S3.12",),
        "Buckets have no ACLs",
        _bucket_has("BucketOwnershipControls", "ACLs are on", ("rule.objectOwnership", "BucketOwnerEnforced")),
    ),
    Rule("sqs-encrypted", ("CKV_AWS_27",), "Queues are under a customer key", under_key("Queue", "kmsMasterKeyId")),
    Rule("sqs-dead-letters", ("NAG SQS3",), "Every queue that is not one has a dead-letter queue", _dead_letters),
    Rule("sqs-tls", ("NAG SQS4",), "Queues take TLS only", _tls_only("Queue", "QueuePolicy", "queueUrl", "url")),
    Rule(
        "no-public-policy",
        ("CKV_AWS_168", "CKV_AWS_387", "CKV_AWS_70", "CKV_AWS_33"),
        "No policy of a queue, bucket, topic or key allows everyone",
        _public_grants,
    ),
    Rule("sns-key", ("CKV_AWS_26",), "Topics are under a customer key", under_key("Topic", "kmsMasterKeyId")),
    Rule("sns-tls", ("SH SNS.2",), "Topics take TLS only", _tls_only("Topic", "TopicPolicy", "arn", "arn")),
    Rule(
        "logs-retention",
        ("CKV_AWS_66", "CKV_AWS_338"),
        "Log groups end",
        each("LogGroup", present("retentionInDays"), "kept for ever"),
    ),
    Rule("logs-key", ("CKV_AWS_158",), "Log groups are under a customer key", under_key("LogGroup", "kmsKeyId")),
    Rule(
        "kms-rotation",
        ("CKV_AWS_7",),
        "Keys are rotated",
        each("Key", equals("enableKeyRotation", True), "not rotated"),
    ),
    Rule("secret-key", ("CKV_AWS_149",), "Secrets are under a customer key", under_key("Secret", "kmsKeyId")),
)
