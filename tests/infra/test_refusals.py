"""The planner refuses what a run without the engine would let through."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modelcote.core.errors import DeployFailed, InvalidSpec
from modelcote.core.snapshot import DeployedModel, Package, Snapshot
from modelcote.deploy.program.checks import problems
from modelcote.deploy.program.monitor import Resource
from modelcote.deploy.program.schema import resource_schema
from tests.infra.planner import plan
from tests.infra.plans import CHURN, IRIS, NETWORK, ONNX, SETTINGS, WITH_DEPLOYER, every_choice, model

FUNCTION, TABLE = "aws:lambda/function:Function", "aws:dynamodb/table:Table"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
SOURCE = "aws:lambda/eventSourceMapping:EventSourceMapping"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
PERMISSION, QUEUE_POLICY = "aws:lambda/permission:Permission", "aws:sqs/queuePolicy:QueuePolicy"
CODE = {"handler": "a.b", "runtime": "python3.11", "s3Bucket": "b", "s3Key": "k"}
STATEMENT = {"Sid": "A", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}


def resource(kind: str, logical: str = "thing", **inputs: Any) -> Resource:
    return Resource(f"urn::{logical}", kind, logical, "", custom=True, inputs=inputs)


def function(**inputs: Any) -> Resource:
    return resource(FUNCTION, **{"role": "arn:aws:iam::1:role/x", **CODE, **inputs})


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Resource:
    text = json.dumps({"Version": version, "Statement": list(statements)})
    return resource("aws:iam/rolePolicy:RolePolicy", role="r", policy=text)


def machine(**inputs: Any) -> Resource:
    return resource("aws:sfn/stateMachine:StateMachine", **{"definition": "{}", "roleArn": "arn:r", **inputs})


def notification(**queue: Any) -> Resource:
    return resource("aws:s3/bucketNotification:BucketNotification", bucket="b", queues=[queue])


def group(**rule: Any) -> Resource:
    """A security group with one egress rule; `rule` replaces its members."""
    return resource(GROUP, egress=[{"protocol": "tcp", "fromPort": 443, "toPort": 443, **rule}])


def index(**members: Any) -> Resource:
    row = {"name": "due", "projectionType": "KEYS_ONLY", **members}
    return resource(TABLE, globalSecondaryIndexes=[row])


def lifecycle(**members: Any) -> Resource:
    rule = {"id": "r", "status": "Enabled", **members}
    return resource("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", bucket="b", rules=[rule])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (resource("aws:lambda/functions:Function"), "not a resource type of pulumi_aws"),
        (resource("aws:lambda/function:Funktion"), "not a resource type of pulumi_aws"),
        (resource("aws:nothing/at:All"), "not a resource type of pulumi_aws"),
        (resource("gcp:storage/bucket:Bucket"), "not a resource type of pulumi_aws"),
        (function(memory=512), "memory: there is no such property"),
        (resource(FUNCTION, handler="a"), "role: required, but missing"),
        (function(timeout="30"), "'30' is not int"),
        (function(publish=1), "1 is not bool"),
        (function(layers="arn"), "is not a list"),
        (function(environment={"variables": ["A"]}), "is not an object"),
        (function(environment={"variable": {"A": "b"}}), "variable: there is no such property"),
        (function(environment={"variables": {"A": 1}}), "environment.variables.A: 1 is not str"),
        (function(runtime="python4.0"), "'python4.0' is not one of"),
        (function(architectures=["x86"]), "'x86' is not one of arm64, x86_64"),
        (function(tracingConfig={"mode": "On"}), "'On' is not one of"),
        (resource(TABLE, billingMode="ON_DEMAND"), "'ON_DEMAND' is not one of"),
        (resource(TABLE, attributes=[{"name": "pk", "type": "String"}]), "'String' is not one of B, N, S"),
        (function(memorySize=64), "64 is not between 128 and 10240"),
        (function(timeout=901), "901 is not between 1 and 900"),
        (function(reservedConcurrentExecutions=0), "0 is not between 1"),
        (function(name="a" * 65), "not a name of at most 64"),
        (function(name="a b"), "not a name of at most 64"),
        (resource("aws:iam/role:Role", "r" * 60, assumeRolePolicy="{}"), "automatic name would be longer than 64"),
        (resource("aws:s3/bucket:Bucket", bucket="Upper"), "not a name of at most 63"),
        (resource("aws:iam/rolePolicy:RolePolicy", role="r", policy="{'Version'"), "not JSON"),
        (resource("aws:sqs/queue:Queue", redrivePolicy="{"), "redrivePolicy: not JSON"),
        (resource(SOURCE, functionName="f", batchSize=0), "0 is not between 1"),
        (resource(SOURCE, functionName="f", scalingConfig={"maximumConcurrency": 1}), "1 is not between 2 and 1000"),
        (resource(SOURCE, functionName="f", functionResponseTypes=["ReportAll"]), "'ReportAll' is not one of"),
        (resource(SOURCE, functionName="f", queue="q"), "queue: there is no such property"),
        (resource(SOURCE), "functionName: required, but missing"),
        (machine(type="LONG"), "'LONG' is not one of EXPRESS, STANDARD"),
        (machine(name="m" * 81), "not a name of at most 80"),
        (machine(definition="{"), "definition: not JSON"),
        (machine(loggingConfiguration={"level": "WARN"}), "'WARN' is not one of ALL, ERROR, FATAL, OFF"),
        (machine(loggingConfiguration={"includeExecutionData": "no"}), "'no' is not bool"),
        (machine(tracingConfiguration={"mode": "Active"}), "mode: there is no such property"),
        (resource(RULE, name="a b", scheduleExpression="rate(1 minute)"), "not a name of at most 64"),
        (resource(RULE, state="ON"), "'ON' is not one of"),
        (resource(RULE, schedule="rate(1 minute)"), "schedule: there is no such property"),
        (resource(TARGET, rule="r"), "arn: required, but missing"),
        (resource(TARGET, rule="r", arn="a", input="{"), "input: not JSON"),
        (resource(TARGET, rule="r", arn="a", targetId="a b"), "not a name of at most 64"),
        (notification(events=["s3:ObjectMade:*"], queueArn="q"), "'s3:ObjectMade:*' is not one of"),
        (notification(events=["s3:ObjectCreated:*"]), "queueArn: required, but missing"),
        (notification(events=["s3:ObjectCreated:*"], queueArn="q", prefix="x/"), "prefix: there is no such"),
        (resource(PERMISSION, action="lambda:Invoke", function="f", principal="p"), "'lambda:Invoke' is not one of"),
        (resource(PERMISSION, action="lambda:InvokeFunction", function="f"), "principal: required"),
        (function(vpcConfig={"subnetIds": ["subnet-1"]}), "vpcConfig.securityGroupIds: required, but missing"),
        (function(vpcConfig={"subnetIds": "subnet-1", "securityGroupIds": ["sg-1"]}), "is not a list"),
        (group(protocol="https"), "'https' is not one of"),
        (group(toPort=65_536), "65536 is not between -1 and 65535"),
        (group(fromPort="443"), "'443' is not int"),
        (group(cidr=["0.0.0.0/0"]), "cidr: there is no such property"),
        (resource(GROUP, name="sg-webhooks"), "not a name of at most 255"),
        (resource(GROUP, vpc="vpc-1"), "vpc: there is no such property"),
        (index(projectionType="KEYS"), "'KEYS' is not one of ALL, INCLUDE, KEYS_ONLY"),
        (index(keySchemas=[{"attributeName": "a", "keyType": "SORT"}]), "'SORT' is not one of HASH, RANGE"),
        (index(keySchemas=[{"attributeName": "a"}]), "keyType: required, but missing"),
        (lifecycle(filter={"and": {"tags": ["keep-days"]}}), "is not an object"),
        (lifecycle(expiration={"days": 0}), "0 is not between 1"),
        (resource(QUEUE_POLICY, queueUrl="u", policy=json.dumps({"Statement": []})), "needs Version"),
        (policy(STATEMENT, version="2008-10-17"), "needs Version 2012-10-17"),
        (policy(), "needs statements"),
        (policy({**STATEMENT, "Effect": "allow"}), "Effect is neither"),
        (policy({**STATEMENT, "Action": ["GetObject"]}), "not of the form service:Action"),
        (policy({**STATEMENT, "Action": []}), "not of the form service:Action"),
        (policy({**STATEMENT, "Resource": []}), "Resource is missing"),
        (policy({**STATEMENT, "Resource": ["b/*"]}), "is not an ARN"),
        (policy({**STATEMENT, "Sid": "a b"}), "letters and digits only"),
        (policy(STATEMENT, STATEMENT), "the same Sid"),
        (policy({**STATEMENT, "Resource": [f"arn:aws:s3:::{'b' * 10_300}"]}), "longer than 10240"),
        (function(s3Key="None/x.zip"), "not known"),
        (function(role="${unknown:role.description}"), "not known"),
        (function(environment={"variables": {"A": "x" * 4_100}}), "more than 4096 bytes"),
        (function(layers=["a"] * 6), "more than 5 layers"),
        (function(imageUri="r@sha256:0"), "exactly one of"),
        (resource(FUNCTION, role="r", imageUri="r:tag", packageType="Image"), "named by its digest"),
        (resource(FUNCTION, role="r", imageUri="r@sha256:0"), "packageType Image"),
        (resource(FUNCTION, role="r", s3Bucket="b", s3Key="k"), "needs a handler and a runtime"),
    ],
)
def test_what_aws_would_refuse(made: Resource, words: str) -> None:
    assert any(words in line for line in problems(made)), problems(made)


def test_what_aws_takes() -> None:
    assert problems(function(memorySize=512, timeout=30, layers=["arn:a"], architectures=["arm64"])) == []
    assert problems(policy(STATEMENT)) == []
    assert problems(group(cidrBlocks=["0.0.0.0/0"], description="HTTPS")) == []


def test_every_type_of_the_program_is_known() -> None:
    custom = [row for row in every_choice() if row.custom]
    assert custom
    assert all(resource_schema(row.type) is not None for row in custom)


def only(*models: DeployedModel) -> Snapshot:
    return Snapshot(models, layers=(ONNX,))


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (only(IRIS, IRIS), "demo/iris twice"),
        (Snapshot((IRIS,), (("demo", "iris"),), (ONNX,)), "demo/iris twice"),
        (Snapshot((CHURN,)), "which the snapshot lacks"),
        (Snapshot((model("iris", package=Package("x")),)), "neither a zip nor an image"),
        (Snapshot((model("iris", package=Package("x", image_uri="repo:latest")),)), "named by its digest"),
        (only(model("iris", memory_mb=20_000)), "memorySize"),
        (only(model("iris", python_version="2.7.1")), "runtime"),
    ],
)
def test_snapshots_that_the_program_refuses(snapshot: Snapshot, words: str) -> None:
    with pytest.raises(DeployFailed, match=words):
        plan(snapshot, SETTINGS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"builder": WITH_DEPLOYER.builder}, "scope all"),
        ({"account": "1"}, "account"),
        ({"log_retention_days": 31}, "logRetentionDays"),
        ({"stack": "Dev_1"}, "stack"),
        ({"concurrency": {"gateway": 1}}, "concurrency"),
        ({"policy": {"webhook_htp": True}}, "no member webhook_htp"),
        ({"policy": {"webhook_http": "yes"}}, "webhook_http"),
        ({"webhook_network": replace(NETWORK, subnet_ids=())}, "webhookNetwork"),
        ({"webhook_network": NETWORK, "policy": {"webhook_ports": [443, 8443]}}, "port 443 only"),
        ({"webhook_network": NETWORK, "policy": {"webhook_http": True}}, "port 443 only"),
        ({"public_url": "https://x.example/"}, "publicUrl"),
        ({"predict_paths": ()}, "paths of predict"),
    ],
)
def test_settings_that_the_program_refuses(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSpec, match=words):
        plan(Snapshot(), replace(SETTINGS, **changes))


def test_scope_model_needs_the_platform() -> None:
    with pytest.raises(InvalidSpec, match="platform's outputs"):
        plan(Snapshot(), SETTINGS, "model")
