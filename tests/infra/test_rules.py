"""Every plan keeps every rule outside the listed exceptions, and every rule can fail."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from infra.policies.exceptions import EXCEPTIONS
from infra.policies.rules import RULES, unexcused, violations
from modelcote.deploy.program.monitor import Resource
from tests.infra import golden
from tests.infra.plans import every_choice, planned_network

Change = Callable[[dict[str, Any]], None]


PLANS = {**golden.PLANS, "the sender's network": planned_network}


@pytest.mark.parametrize("name", PLANS)
def test_plans_keep_the_rules(name: str) -> None:
    assert unexcused(PLANS[name]().resources) == []


def test_every_exception_is_needed_and_says_why() -> None:
    found = violations(every_choice())
    assert [item for item in EXCEPTIONS if not any(item.covers(row) for row in found)] == []
    assert all(len(item.reason) > 20 for item in EXCEPTIONS)


@dataclass(frozen=True)
class Break:
    """What breaks a rule: `name` is a resource of the plan (or a new one, with `type`); None deletes it."""

    rule: str
    name: str
    change: Change | None
    type: str = ""


def put(path: str, value: Any) -> Change:
    """Sets an input by its dotted path; `...` removes it."""

    def change(inputs: dict[str, Any]) -> None:
        *folders, last = path.split(".")
        at: Any = inputs
        for folder in folders:
            at = at[int(folder)] if isinstance(at, list) else at.setdefault(folder, {})
        if value is ...:
            del at[last]
        else:
            at[last] = value

    return change


def statement(prop: str, index: int | None, **members: Any) -> Change:
    """Replaces members of one statement of an IAM document; None removes one. An index of None adds a statement."""

    def change(inputs: dict[str, Any]) -> None:
        document = json.loads(inputs[prop])
        row = {} if index is None else document["Statement"].pop(index)
        document["Statement"].append({key: value for key, value in {**row, **members}.items() if value is not None})
        inputs[prop] = json.dumps(document)

    return change


def grant(action: str, resource: str) -> Change:
    return statement("policy", None, Sid="More", Effect="Allow", Action=[action], Resource=[resource])


GATEWAY, ARTIFACTS = "platform-gateway-function", "platform-buckets-artifacts"
IRIS_ACCESS, BUILD = "model-demo_iris-access", "platform-deployer-project"
VISION = "model-a-rather-long-project-name-here_vision-function"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/modelcote"
TOKEN = {"name": "PULUMI_ACCESS_TOKEN", "value": "pul-x"}
OPEN_TLS, DOMAIN = {"securityPolicy": "TLS_1_0"}, "aws:apigatewayv2/domainName:DomainName"
ADMIN, ATTACHMENT = "arn:aws:iam::aws:policy/AdministratorAccess", "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ALGORITHM = "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm"
INGRESS, EGRESS = (f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule" for way in ("Ingress", "Egress"))
SECRETS, READ = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:", "secretsmanager:GetSecretValue"
WORK = ("runs", "deliveries", "results")
GROUP, APART = "platform-runs-deliver-webhook-network-group", "aws:ec2/securityGroupRule:SecurityGroupRule"
MACHINE = "platform-runs-long-run-machine"
BREAKS = (
    Break("lambda-tracing", GATEWAY, put("tracingConfig.mode", "PassThrough")),
    Break("lambda-tracing", "model-demo_iris-function", put("tracingConfig", ...)),
    Break("lambda-concurrency", GATEWAY, put("reservedConcurrentExecutions", ...)),
    Break("lambda-failures", GATEWAY, put("deadLetterConfig", ...)),
    Break("lambda-secrets", GATEWAY, put("environment.variables.DB_PASSWORD", "x")),
    Break("lambda-secrets", GATEWAY, put("environment.variables.KEY_ID", "AKIAABCDEFGHIJKLMNOP")),
    Break("lambda-environment-key", "model-demo_iris-function", put("kmsKeyArn", ...)),
    Break("lambda-runtime", "model-demo_iris-function", put("runtime", "python3.9")),
    Break("lambda-not-public", "platform-routes-gateway-permission", put("sourceArn", ...)),
    Break("lambda-not-public", "platform-routes-gateway-permission", put("principal", "*")),
    Break("lambda-url", "open", put("authorizationType", "NONE"), "aws:lambda/functionUrl:FunctionUrl"),
    Break("lambda-image-digest", VISION, put("imageUri", f"{IMAGE}:latest")),
    Break("lambda-sizes", GATEWAY, put("timeout", ...)),
    Break("lambda-log-group", "platform-gateway-log", None),
    Break("lambda-visibility", "platform-deployer-stream", put("eventSourceArn", "${platform-queues-failures.arn}")),
    Break("lambda-visibility", "platform-work-runs", put("visibilityTimeoutSeconds", 539)),
    Break("lambda-visibility", "platform-work-deliveries", put("visibilityTimeoutSeconds", ...)),
    Break("lambda-visibility", "platform-runs-dead-letters-function", put("timeout", 31)),
    Break("lambda-redrive", "platform-work-results", put("redrivePolicy", ...)),
    Break("lambda-redrive", "platform-work-runs-dead", put("redrivePolicy", ...)),
    Break("lambda-polling", "platform-runs-run-worker-function", put("reservedConcurrentExecutions", 49)),
    Break("lambda-partial-batches", "platform-runs-runs-source-mapping", put("functionResponseTypes", ...)),
    Break("lambda-partial-batches", "platform-deployer-stream", put("functionResponseTypes", [])),
    Break("lambda-not-public", "platform-runs-schedule-permission", put("sourceArn", ...)),
    Break("states-logging", MACHINE, put("loggingConfiguration.level", "OFF")),
    Break("states-logging", MACHINE, put("loggingConfiguration.logDestination", ...)),
    Break("states-tracing", MACHINE, put("tracingConfiguration.enabled", False)),
    Break("states-no-data", MACHINE, put("loggingConfiguration.includeExecutionData", True)),
    Break("states-no-data", MACHINE, put("loggingConfiguration.includeExecutionData", ...)),
    Break("logs-key", "platform-runs-long-run-log", put("kmsKeyId", ...)),
    Break("codebuild-key", BUILD, put("encryptionKey", ...)),
    Break("codebuild-logs", BUILD, put("logsConfig.cloudwatchLogs.status", "DISABLED")),
    Break("codebuild-privileged", BUILD, put("environment.privilegedMode", True)),
    Break("codebuild-secrets", BUILD, put("environment.environmentVariables", [TOKEN])),
    Break("dynamodb-recovery", "platform-tables-runs", put("pointInTimeRecovery.enabled", False)),
    Break("dynamodb-key", "platform-tables-runs", put("serverSideEncryption", {"enabled": True})),
    Break("dynamodb-deletion", "platform-tables-registry", put("deletionProtectionEnabled", False)),
    Break("dynamodb-on-demand", "platform-tables-registry", put("billingMode", "PROVISIONED")),
    Break("s3-private", f"{ARTIFACTS}-access", put("ignorePublicAcls", False)),
    Break("s3-private", f"{ARTIFACTS}-access", None),
    Break("s3-key", f"{ARTIFACTS}-encryption", put(ALGORITHM, "AES256")),
    Break("s3-versioning", f"{ARTIFACTS}-versioning", put("versioningConfiguration.status", "Suspended")),
    Break("s3-tls", f"{ARTIFACTS}-policy", None),
    Break("s3-tls", f"{ARTIFACTS}-policy", statement("policy", 0, Condition=None)),
    Break("s3-access-log", f"{ARTIFACTS}-logging", None),
    Break("s3-lifecycle", f"{ARTIFACTS}-lifecycle", put("rules.0.abortIncompleteMultipartUpload", ...)),
    Break("s3-no-acls", f"{ARTIFACTS}-ownership", put("rule.objectOwnership", "ObjectWriter")),
    Break("sqs-encrypted", "platform-queues-dead", put("kmsMasterKeyId", ...)),
    Break("sqs-dead-letters", "platform-queues-deploys", put("redrivePolicy", ...)),
    Break("sqs-tls", "platform-queues-failures-policy", None),
    Break("no-public-policy", "platform-queues-deploys-policy", statement("policy", 0, Effect="Allow")),
    Break("no-public-policy", "platform-keys-main", statement("policy", 0, Principal={"AWS": "*"})),
    Break("sns-key", "platform-alarms-topic", put("kmsMasterKeyId", ...)),
    Break("sns-tls", "platform-alarms-policy", statement("policy", 0, Effect="Allow", Principal={"AWS": "a"})),
    Break("logs-retention", "model-demo_iris-log", put("retentionInDays", 0)),
    Break("logs-key", "model-demo_iris-log", put("kmsKeyId", ...)),
    Break("kms-rotation", "platform-keys-main", put("enableKeyRotation", False)),
    Break("secret-key", "secret", put("name", "x"), "aws:secretsmanager/secret:Secret"),
    Break("api-access-log", "platform-api-stage", put("accessLogSettings", ...)),
    Break("api-authorised", "open-route", put("routeKey", "GET /x"), "aws:apigatewayv2/route:Route"),
    Break("api-throttled", "platform-api-stage", put("defaultRouteSettings.throttlingRateLimit", 0)),
    Break("api-tls", "domain", put("domainNameConfiguration", OPEN_TLS), DOMAIN),
    Break("alarm-queues", "platform-alarms-deploys-dead-not-empty", None),
    Break("alarm-queues", "platform-alarms-deploys-old", None),
    *(Break("alarm-queues", f"platform-alarms-{queue}-dead-not-empty", None) for queue in WORK),
    *(Break("alarm-queues", f"platform-alarms-{queue}-old", None) for queue in WORK),
    Break("alarm-machines", "platform-alarms-long-run-failed", None),
    Break("alarm-machines", "platform-alarms-long-run-timed-out", put("alarmActions", [])),
    Break("alarm-exhausted", "platform-alarms-deliveries-exhausted", None),
    Break("alarm-functions", "platform-alarms-watchdog-errors", None),
    Break("alarm-functions", "platform-alarms-gateway-slow", None),
    Break("alarm-functions", "platform-alarms-gateway-errors", put("alarmActions", [])),
    Break("alarm-tables", "platform-alarms-runs-throttled", None),
    Break("alarm-api", "platform-alarms-api-5xx", put("metricName", "4xx")),
    Break("network-no-ingress", GROUP, put("ingress", [{"protocol": "tcp", "fromPort": 443, "toPort": 443}])),
    Break("network-no-ingress", "in", put("type", "ingress"), APART),
    Break("network-no-ingress", "in", put("fromPort", 443), INGRESS),
    Break("network-https-only", GROUP, put("egress.0.fromPort", 0)),
    Break("network-https-only", GROUP, put("egress.0.toPort", 444)),
    Break("network-https-only", GROUP, put("egress.0.protocol", "udp")),
    Break("network-https-only", GROUP, put("egress", [{"protocol": "-1", "fromPort": 0, "toPort": 0}])),
    Break("network-https-only", GROUP, put("egress", ...)),
    Break("network-https-only", "out", put("type", "egress"), APART),
    Break("network-https-only", "out", put("ipProtocol", "-1"), EGRESS),
    Break("iam-resources", "platform-runs-deliver-webhook-network-access", statement("policy", 0, Sid="Other")),
    Break("iam-actions", IRIS_ACCESS, statement("policy", 1, Action=["s3:*"])),
    Break("iam-resources", IRIS_ACCESS, statement("policy", 1, Resource=["*"])),
    Break("iam-resources", "platform-runs-watchdog-access", statement("policy", 4, Resource=["*"])),
    Break("webhook-secrets", IRIS_ACCESS, grant(READ, f"{SECRETS}modelcote-webhooks/dev/demo/*")),
    Break("webhook-secrets", "platform-boundary-policy", grant(READ, f"{SECRETS}modelcote*")),
    Break("webhook-secrets", "platform-gateway-access", grant("secretsmanager:Get*", f"{SECRETS}*")),
    Break("webhook-secrets", "platform-runs-watchdog-access", grant(READ, "*")),
    Break("iam-escalation", "platform-deployer-access", statement("policy", -3, Condition=None)),
    Break("iam-escalation", "platform-deployer-access", statement("policy", -1, Condition=None)),
    Break("iam-managed", "attached", put("policyArn", ADMIN), ATTACHMENT),
    Break("iam-trust", "model-demo_iris-role", statement("assumeRolePolicy", 0, Condition=None)),
    Break("iam-trust", "model-demo_iris-role", statement("assumeRolePolicy", 0, Principal="*")),
    Break("iam-boundary", "model-demo_iris-role", put("permissionsBoundary", ...)),
    Break("iam-documents", IRIS_ACCESS, put("policy", '{"Version": "2008-10-17", "Statement": []}')),
)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda row: f"{row.rule}-{row.name}")
def test_each_rule_can_fail(broken: Break) -> None:
    resources = every_choice()
    if broken.type:
        resources.append(Resource("urn", broken.type, broken.name, "", custom=True, inputs={}))
    at = next(index for index, row in enumerate(resources) if row.name == broken.name)
    if broken.change is None:
        del resources[at]
    else:
        inputs = copy.deepcopy(dict(resources[at].inputs))
        broken.change(inputs)
        resources[at] = replace(resources[at], inputs=inputs)
    assert broken.rule in {row.rule for row in unexcused(resources)}


def test_each_rule_is_broken_once_above() -> None:
    assert {row.rule for row in BREAKS} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)
