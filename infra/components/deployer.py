"""The deployer on AWS: a CodeBuild project that processes the queue, started by a deploy's row in the registry."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.access import deployer as access
from infra.components.functions import PlatformFunction, PlatformFunctionArgs
from infra.components.identity import logged_role
from infra.config import CodeBuildSettings, Settings
from infra.iam import write_log
from infra.naming import arn, child_of, platform_name, tags

_BUILD_MINUTES = 60
_QUEUED_MINUTES = 30
_RETRIES = 30  # About an hour, with growing pauses; a build runs at most that long.
BUILDSPEC = {
    "version": 0.2,
    "phases": {
        "install": {"commands": ["python -m venv .venv", '.venv/bin/pip install --quiet ".[aws]"']},
        "build": {"commands": [".venv/bin/python -m modelcote.deploy"]},
    },
}


@dataclass(frozen=True)
class DeployerArgs:
    """`environment`: the deployer's variables; `stream_arn`: the registry table's stream."""

    settings: Settings
    codebuild: CodeBuildSettings
    key_arn: pulumi.Input[str]
    bucket: aws.s3.Bucket
    queue_arn: pulumi.Input[str]
    failures_arn: pulumi.Input[str]
    layer_arn: pulumi.Input[str]
    stream_arn: pulumi.Input[str]
    environment: dict[str, pulumi.Input[str]]


class Deployer(pulumi.ComponentResource):
    """`project`: the CodeBuild project; `trigger`: the function that starts it."""

    def __init__(self, parent: pulumi.Resource, name: str, args: DeployerArgs) -> None:
        super().__init__("modelcote:platform:Deployer", name, None, child_of(parent))
        physical = platform_name(args.settings, "deployer")
        self.project = self._project(name, physical, args)
        project_arn = arn(args.settings, "codebuild", f"project/{physical}")
        self.trigger = PlatformFunction(
            self,
            f"{name}-trigger",
            PlatformFunctionArgs(
                settings=args.settings,
                name="deploy-requested",
                key_arn=args.key_arn,
                layer_arn=args.layer_arn,
                failures_arn=args.failures_arn,
                memory_mb=256,
                timeout_s=30,
                environment={
                    "MODELCOTE_STACK": args.settings.stack,
                    "MODELCOTE_DEPLOYER_PROJECT": self.project.name,
                },
                access=access.trigger(args.settings, project_arn, args.stream_arn),
            ),
        )
        # The deployer reads the queue itself, and all of it: the stream only says that there is a request. A build
        # that cannot start because another is running is retried until that one has ended.
        aws.lambda_.EventSourceMapping(
            f"{name}-stream",
            event_source_arn=args.stream_arn,
            function_name=self.trigger.function.name,
            starting_position="LATEST",
            batch_size=100,
            function_response_types=["ReportBatchItemFailures"],
            maximum_retry_attempts=_RETRIES,
            filter_criteria=aws.lambda_.EventSourceMappingFilterCriteriaArgs(
                filters=[aws.lambda_.EventSourceMappingFilterCriteriaFilterArgs(pattern=_NEW_DEPLOYS)]
            ),
            destination_config=aws.lambda_.EventSourceMappingDestinationConfigArgs(
                on_failure=aws.lambda_.EventSourceMappingDestinationConfigOnFailureArgs(
                    destination_arn=args.failures_arn
                )
            ),
            tags=tags(args.settings),
            opts=child_of(self),
        )
        self.register_outputs({"project": self.project.name})

    def _project(self, name: str, physical: str, args: DeployerArgs) -> aws.codebuild.Project:
        settings = args.settings
        group = f"/aws/codebuild/{physical}"
        own = logged_role(
            self,
            name,
            settings,
            service="codebuild",
            group=group,
            key_arn=args.key_arn,
            access=[
                write_log(settings, group),
                *access.deployer(settings, args.key_arn, args.bucket.arn, args.queue_arn),
            ],
        )
        source = aws.s3.BucketObjectv2(
            f"{name}-source",
            bucket=args.bucket.bucket,
            key="deployer/modelcote.zip",
            source=pulumi.FileAsset(args.codebuild.archive),
            tags=tags(settings),
            opts=child_of(self),
        )
        return aws.codebuild.Project(
            f"{name}-project",
            name=physical,
            service_role=own.role.arn,
            encryption_key=args.key_arn,
            build_timeout=_BUILD_MINUTES,
            queued_timeout=_QUEUED_MINUTES,
            concurrent_build_limit=1,
            artifacts=aws.codebuild.ProjectArtifactsArgs(type="NO_ARTIFACTS"),
            source=aws.codebuild.ProjectSourceArgs(
                type="S3",
                location=pulumi.Output.concat(source.bucket, "/", source.key),
                buildspec=json.dumps(BUILDSPEC),
            ),
            environment=aws.codebuild.ProjectEnvironmentArgs(
                type="LINUX_CONTAINER" if settings.architecture == "x86_64" else "ARM_CONTAINER",
                compute_type="BUILD_GENERAL1_MEDIUM",
                image=args.codebuild.image,
                environment_variables=[
                    aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs(name=key, value=value)
                    for key, value in sorted(args.environment.items())
                ],
            ),
            logs_config=aws.codebuild.ProjectLogsConfigArgs(
                cloudwatch_logs=aws.codebuild.ProjectLogsConfigCloudwatchLogsArgs(
                    group_name=own.log.name, status="ENABLED"
                )
            ),
            tags=tags(settings),
            opts=child_of(self, own.policy),
        )


_NEW_DEPLOYS = json.dumps(
    {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "DEPLOY#"}]}}}}, sort_keys=True
)
