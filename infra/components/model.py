"""One model: a function behind the alias `live`, with its own role and its own log group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.access import models as access
from infra.components.identity import logged_role
from infra.config import Settings
from infra.naming import child_of, log_group, tags
from modelcote.core.errors import DeployFailed
from modelcote.core.names import fit, function_name
from modelcote.core.snapshot import DeployedModel
from modelcote.core.target import LAMBDA, Target

HANDLER = "modelcote.serving.lambda_entry.handler"
ALIAS = "live"
TYPE = "modelcote:runtime:Model"
# Children add at most 12 characters and auto-naming 8; a role's name holds 64.
_LOGICAL_NAME = 44


@dataclass(frozen=True)
class ModelArgs:
    """`layers`: the ARNs of the snapshot's layers by key."""

    settings: Settings
    model: DeployedModel
    bucket: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    boundary_arn: pulumi.Input[str]
    layers: Mapping[str, pulumi.Input[str]]


def component_name(project: str, name: str) -> str:
    """Return the component's logical name, unique in the stack because neither part may hold `_`."""
    return fit(f"model-{project}_{name}", _LOGICAL_NAME)


class Model(pulumi.ComponentResource):
    """`target`: what the gateway calls, with the alias `live`."""

    def __init__(self, name: str, args: ModelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(TYPE, name, None, opts)
        settings, model = args.settings, args.model
        own_name = function_name(settings.stack, model.project, model.name)
        self.target = Target(LAMBDA, own_name)
        own_tags = {"modelcote:project": model.project, "modelcote:model": model.name}
        own = logged_role(
            self,
            name,
            settings,
            service="lambda",
            group=log_group(own_name),
            key_arn=args.key_arn,
            access=access.model(
                settings,
                args.key_arn,
                args.bucket,
                function=own_name,
                project=model.project,
                name=model.name,
            ),
            path="models/",
            boundary_arn=args.boundary_arn,
            own_tags=own_tags,
        )
        options = child_of(self, own.log, own.policy)
        # A zip cannot become an image in place, and the name is in use until the old function is deleted.
        options.delete_before_replace = True
        function = aws.lambda_.Function(
            f"{name}-function",
            name=own_name,
            role=own.role.arn,
            description=f"modelcote {model.project}/{model.name} version {model.version}",
            architectures=[settings.architecture],
            memory_size=model.memory_mb,
            timeout=model.timeout_s,
            reserved_concurrent_executions=model.max_replicas,
            publish=True,
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=environment(settings, model, args.bucket)),
            kms_key_arn=args.key_arn,
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
            tags=tags(settings, **own_tags),
            opts=options,
            **_code(args),
        )
        alias = aws.lambda_.Alias(
            f"{name}-live",
            name=ALIAS,
            function_name=function.name,
            function_version=function.version,
            opts=child_of(self),
        )
        if model.min_replicas:
            aws.lambda_.ProvisionedConcurrencyConfig(
                f"{name}-warm",
                function_name=function.name,
                qualifier=alias.name,
                provisioned_concurrent_executions=model.min_replicas,
                opts=child_of(self),
            )
        self.register_outputs({"functionName": own_name})


def environment(settings: Settings, model: DeployedModel, bucket: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Return the function's environment variables; none is secret."""
    return {
        "MODELCOTE_STACK": settings.stack,
        "MODELCOTE_PROJECT": model.project,
        "MODELCOTE_MODEL": model.name,
        "MODELCOTE_VERSION": str(model.version),
        "MODELCOTE_BUNDLE_SHA256": model.bundle_sha256,
        "MODELCOTE_BUCKET": bucket,
    }


def _code(args: ModelArgs) -> dict[str, Any]:
    """Return the inputs of the function's code: an image by its digest, or a zip in the bucket with its layers."""
    package = args.model.package
    if package.image_uri:
        return {"package_type": "Image", "image_uri": package.image_uri}
    missing = [key for key in package.layers if key not in args.layers]
    if missing:
        raise DeployFailed(
            f"{args.model.project}/{args.model.name} needs the layer {missing[0]}, which the snapshot lacks.",
            "Take a snapshot that holds the layers of every package.",
        )
    return {
        "package_type": "Zip",
        "runtime": f"python{args.model.python_version}",
        "handler": HANDLER,
        "s3_bucket": args.bucket,
        "s3_key": package.s3_key,
        "source_code_hash": package.sha256,
        "layers": [args.layers[key] for key in package.layers],
    }
