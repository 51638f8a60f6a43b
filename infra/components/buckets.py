"""The artifact bucket (uploads, bundles, packages, layers, runs' inputs and results) and that of its access log."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.iam import Statement, document, from_account, tls_only
from infra.naming import child_of, tags
from modelcote.core.objects import DETACHED, INPUTS, RESULTS, UPLOADS

_UPLOADS_KEPT_DAYS = 7  # An upload is copied once it is inspected.
_ABORT_DAYS = 2
_NONCURRENT_DAYS = 30
# Inputs and results are callers' data: once expired, their old versions go at once.
_EXPIRED_DAYS = 1
_INPUTS_KEPT_DAYS = 4  # A run may wait for 72 h before it reads its input.
# The values of a result's tag `keep-days`; its writer rounds up to one of these.
RESULT_DAYS = (1, 7, 30, 90)
_RESULTS = (RESULTS, DETACHED)
_LOGS_KEPT_DAYS = 90


class Buckets(pulumi.ComponentResource):
    """`artifacts`: the bucket resource."""

    def __init__(self, parent: pulumi.Resource, name: str, settings: Settings, key_arn: pulumi.Input[str]) -> None:
        super().__init__("modelcote:platform:Buckets", name, None, child_of(parent))
        self._settings = settings
        logs = self._bucket(f"{name}-logs", _rule("logs", expire=_LOGS_KEPT_DAYS), key_arn=None)
        self.artifacts = self._bucket(
            f"{name}-artifacts",
            _rule("uploads", prefix=f"{UPLOADS}/", expire=_UPLOADS_KEPT_DAYS),
            _rule("all"),
            _rule("inputs", prefix=f"{INPUTS}/", expire=_INPUTS_KEPT_DAYS, noncurrent=_EXPIRED_DAYS),
            *(_kept(folder, days) for folder in _RESULTS for days in RESULT_DAYS),
            key_arn=key_arn,
        )
        self._policy(f"{name}-artifacts", self.artifacts)
        delivery = Statement(
            "AccessLog",
            ["s3:PutObject"],
            [pulumi.Output.concat(logs.arn, "/artifacts/*")],
            principal={"Service": "logging.s3.amazonaws.com"},
            condition=from_account(settings),
        )
        self._policy(f"{name}-logs", logs, delivery)
        aws.s3.BucketLogging(
            f"{name}-artifacts-logging",
            bucket=self.artifacts.bucket,
            target_bucket=logs.bucket,
            target_prefix="artifacts/",
            opts=child_of(self),
        )
        self.register_outputs({"artifacts": self.artifacts.bucket})

    def _bucket(
        self,
        name: str,
        *rules: aws.s3.BucketLifecycleConfigurationRuleArgs,
        key_arn: pulumi.Input[str] | None,
    ) -> aws.s3.Bucket:
        """Make a private, versioned, encrypted bucket; without a key, under S3's own, as log delivery requires."""
        bucket = aws.s3.Bucket(name, tags=tags(self._settings), opts=child_of(self, keep=True))
        child, at = child_of(self), bucket.bucket
        aws.s3.BucketPublicAccessBlock(
            f"{name}-access",
            bucket=at,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=at,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        encryption = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="aws:kms" if key_arn is not None else "AES256", kms_master_key_id=key_arn
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=at,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=encryption,
                    bucket_key_enabled=True if key_arn is not None else None,
                )
            ],
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=at,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle", bucket=at, rules=rules, opts=child_of(self, versioning)
        )
        return bucket

    def _policy(self, name: str, bucket: aws.s3.Bucket, *statements: Statement) -> None:
        inside = pulumi.Output.concat(bucket.arn, "/*")
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=document(tls_only(bucket.arn, inside, service="s3"), *statements),
            opts=child_of(self),
        )


def _rule(
    name: str, prefix: str = "", expire: int | None = None, noncurrent: int = _NONCURRENT_DAYS
) -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    """Return a rule that deletes unfinished uploads, old versions and, after `expire` days, the objects."""
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id=name,
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix),
        abort_incomplete_multipart_upload=(
            aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(days_after_initiation=_ABORT_DAYS)
        ),
        noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=noncurrent
        ),
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=expire) if expire else None,
    )


def _kept(folder: str, days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    """Return a rule that deletes results after `days`; without `abort`, which S3 rejects in a rule with tags."""
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id=f"{folder}-{days}",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(
            and_=aws.s3.BucketLifecycleConfigurationRuleFilterAndArgs(
                prefix=f"{folder}/", tags={"keep-days": str(days)}
            )
        ),
        noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=_EXPIRED_DAYS
        ),
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
    )
