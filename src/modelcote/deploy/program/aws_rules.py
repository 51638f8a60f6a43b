"""What AWS requires beyond the provider's types: enumerations that the SDK types as plain strings, ranges, names.

Sources: the service API references (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AUTO_NAME_SUFFIX = 8  # Pulumi adds a hyphen and seven hexadecimal digits.

# Values by type and path; `*` is any index.
ENUMS: Mapping[tuple[str, str], frozenset[str]] = {
    ("aws:apigatewayv2/api:Api", "protocolType"): frozenset({"HTTP", "WEBSOCKET"}),
    ("aws:apigatewayv2/integration:Integration", "integrationType"): frozenset({"AWS_PROXY", "HTTP_PROXY"}),
    ("aws:apigatewayv2/integration:Integration", "payloadFormatVersion"): frozenset({"1.0", "2.0"}),
    ("aws:apigatewayv2/route:Route", "authorizationType"): frozenset({"NONE", "JWT", "AWS_IAM", "CUSTOM"}),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "comparisonOperator"): frozenset(
        {"GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"}
    ),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "statistic"): frozenset(
        {"SampleCount", "Average", "Sum", "Minimum", "Maximum"}
    ),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "treatMissingData"): frozenset(
        {"breaching", "notBreaching", "ignore", "missing"}
    ),
    ("aws:codebuild/project:Project", "artifacts.type"): frozenset({"CODEPIPELINE", "S3", "NO_ARTIFACTS"}),
    ("aws:codebuild/project:Project", "environment.type"): frozenset(
        {"LINUX_CONTAINER", "ARM_CONTAINER", "LINUX_GPU_CONTAINER", "LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER"}
    ),
    ("aws:codebuild/project:Project", "environment.computeType"): frozenset(
        {"BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_2XLARGE"}
    ),
    ("aws:codebuild/project:Project", "source.type"): frozenset({"CODEPIPELINE", "GITHUB", "S3", "NO_SOURCE"}),
    ("aws:dynamodb/table:Table", "attributes.*.type"): frozenset({"S", "N", "B"}),
    ("aws:dynamodb/table:Table", "billingMode"): frozenset({"PAY_PER_REQUEST", "PROVISIONED"}),
    ("aws:dynamodb/table:Table", "streamViewType"): frozenset(
        {"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"}
    ),
    ("aws:dynamodb/table:Table", "globalSecondaryIndexes.*.projectionType"): frozenset({"ALL", "KEYS_ONLY", "INCLUDE"}),
    ("aws:dynamodb/table:Table", "globalSecondaryIndexes.*.keySchemas.*.keyType"): frozenset({"HASH", "RANGE"}),
    **{
        ("aws:ec2/securityGroup:SecurityGroup", f"{way}.*.protocol"): frozenset({"tcp", "udp", "icmp", "icmpv6", "-1"})
        for way in ("ingress", "egress")
    },
    ("aws:cloudwatch/eventRule:EventRule", "state"): frozenset(
        {"ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}
    ),
    ("aws:lambda/eventSourceMapping:EventSourceMapping", "functionResponseTypes.*"): frozenset(
        {"ReportBatchItemFailures"}
    ),
    ("aws:lambda/permission:Permission", "action"): frozenset({"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}),
    ("aws:lambda/eventSourceMapping:EventSourceMapping", "startingPosition"): frozenset(
        {"AT_TIMESTAMP", "LATEST", "TRIM_HORIZON"}
    ),
    ("aws:lambda/function:Function", "architectures.*"): frozenset({"x86_64", "arm64"}),
    ("aws:lambda/function:Function", "packageType"): frozenset({"Zip", "Image"}),
    ("aws:lambda/function:Function", "tracingConfig.mode"): frozenset({"Active", "PassThrough"}),
    ("aws:lambda/layerVersion:LayerVersion", "compatibleArchitectures.*"): frozenset({"x86_64", "arm64"}),
    ("aws:lambda/layerVersion:LayerVersion", "compatibleRuntimes.*"): frozenset(
        {f"python3.{minor}" for minor in range(9, 15)}
    ),
    ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules.*.status"): frozenset(
        {"Enabled", "Disabled"}
    ),
    ("aws:s3/bucketNotification:BucketNotification", "queues.*.events.*"): frozenset(
        f"s3:{event}"
        for event in (
            "ObjectCreated:*",
            "ObjectCreated:Put",
            "ObjectCreated:Post",
            "ObjectCreated:Copy",
            "ObjectCreated:CompleteMultipartUpload",
            "ObjectRemoved:*",
            "ObjectRemoved:Delete",
            "ObjectRemoved:DeleteMarkerCreated",
            "LifecycleExpiration:*",
            "ReducedRedundancyLostObject",
        )
    ),
    ("aws:sfn/stateMachine:StateMachine", "type"): frozenset({"STANDARD", "EXPRESS"}),
    ("aws:sfn/stateMachine:StateMachine", "loggingConfiguration.level"): frozenset({"ALL", "ERROR", "FATAL", "OFF"}),
    ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "rule.objectOwnership"): frozenset(
        {"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}
    ),
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "rules.*.applyServerSideEncryptionByDefault.sseAlgorithm",
    ): frozenset({"AES256", "aws:kms", "aws:kms:dsse"}),
    ("aws:s3/bucketVersioning:BucketVersioning", "versioningConfiguration.status"): frozenset(
        {"Enabled", "Suspended", "Disabled"}
    ),
    ("aws:sns/topicSubscription:TopicSubscription", "protocol"): frozenset({"email", "email-json", "https", "sqs"}),
}


@dataclass(frozen=True)
class Name:
    """The input that holds a physical name, its characters and how many it may have.

    `automatic`: Pulumi derives one from the logical name if it is omitted.
    """

    input: str
    limit: int
    characters: str = r"[a-zA-Z0-9_-]+"
    automatic: bool = True


NAMES: Mapping[str, Name] = {
    "aws:apigatewayv2/api:Api": Name("name", 128),
    "aws:apigatewayv2/stage:Stage": Name("name", 128, r"[a-zA-Z0-9_$-]+"),
    "aws:cloudwatch/eventRule:EventRule": Name("name", 64, r"[a-zA-Z0-9_.-]+"),
    "aws:cloudwatch/eventTarget:EventTarget": Name("targetId", 64, r"[a-zA-Z0-9_.-]+", automatic=False),
    "aws:cloudwatch/logGroup:LogGroup": Name("name", 512, r"[a-zA-Z0-9_/.#-]+"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Name("name", 255),
    "aws:codebuild/project:Project": Name("name", 150),
    "aws:dynamodb/table:Table": Name("name", 255, r"[a-zA-Z0-9_.-]+"),
    # A name may not start with sg-, as ids do.
    "aws:ec2/securityGroup:SecurityGroup": Name("name", 255, r"(?!sg-)[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]+"),
    "aws:iam/policy:Policy": Name("name", 128, r"[\w+=,.@-]+"),
    "aws:iam/role:Role": Name("name", 64, r"[\w+=,.@-]+"),
    "aws:iam/rolePolicy:RolePolicy": Name("name", 128, r"[\w+=,.@-]+"),
    "aws:kms/alias:Alias": Name("name", 256, r"alias/[a-zA-Z0-9_/-]+"),
    "aws:lambda/alias:Alias": Name("name", 128),
    "aws:lambda/function:Function": Name("name", 64),
    "aws:lambda/permission:Permission": Name("statementId", 100),
    "aws:sfn/stateMachine:StateMachine": Name("name", 80),
    "aws:lambda/layerVersion:LayerVersion": Name("layerName", 140, automatic=False),
    "aws:s3/bucket:Bucket": Name("bucket", 63, r"[a-z0-9.-]+"),
    "aws:sns/topic:Topic": Name("name", 256),
    "aws:sqs/queue:Queue": Name("name", 80, r"[a-zA-Z0-9_-]+(\.fifo)?"),
}

# Numbers by type and path: (least, most).
RANGES: Mapping[tuple[str, str], tuple[int, int]] = {
    # -1 is ICMP's.
    **{
        ("aws:ec2/securityGroup:SecurityGroup", f"{way}.*.{port}"): (-1, 65_535)
        for way in ("ingress", "egress")
        for port in ("fromPort", "toPort")
    },
    ("aws:lambda/function:Function", "memorySize"): (128, 10_240),
    ("aws:lambda/function:Function", "timeout"): (1, 900),
    ("aws:lambda/function:Function", "reservedConcurrentExecutions"): (1, 1_000_000),
    # A standard queue accepts more than ten only with a batching window.
    ("aws:lambda/eventSourceMapping:EventSourceMapping", "batchSize"): (1, 10_000),
    ("aws:lambda/eventSourceMapping:EventSourceMapping", "scalingConfig.maximumConcurrency"): (2, 1_000),
    ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules.*.expiration.days"): (1, 2**31 - 1),
    (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "rules.*.noncurrentVersionExpiration.noncurrentDays",
    ): (1, 2**31 - 1),
    ("aws:sqs/queue:Queue", "messageRetentionSeconds"): (60, 1_209_600),
    ("aws:sqs/queue:Queue", "visibilityTimeoutSeconds"): (0, 43_200),
}

# Inputs that hold JSON text, and those of them that are IAM documents.
JSON_INPUTS = frozenset(
    {"policy", "assumeRolePolicy", "redrivePolicy", "pattern", "buildspec", "format", "definition", "input"}
)
IAM_INPUTS = frozenset({"policy", "assumeRolePolicy"})
MAX_LAYERS = 5
ENVIRONMENT_BYTES = 4_096
# IAM's limits, in characters without white space.
ROLE_POLICY_CHARACTERS = 10_240
