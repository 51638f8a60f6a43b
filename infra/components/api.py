"""The HTTP API: two greedy predict routes to the gateway, everything else to control."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.naming import below, platform_name, tags

# ANY rather than POST: what is wrong with another method is said by the gateway, as a problem.
PREDICT_ROUTES = ("ANY /v1/{project}/{model}/predict", "ANY /v3/{project}/{model}/predict")
DEFAULT_ROUTE = "$default"
_ACCESS_LOG = {
    "at": "$context.requestTime",
    "request_id": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "ms": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}


@dataclass(frozen=True)
class ApiArgs:
    settings: Settings
    key_arn: pulumi.Input[str]


class Api(pulumi.ComponentResource):
    """The API and its stage. `url`: where callers reach it; `id`: the API's own."""

    def __init__(self, name: str, args: ApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Api", name, None, opts)
        settings = args.settings
        self.api = aws.apigatewayv2.Api(
            f"{name}-http",
            name=platform_name(settings, "api"),
            protocol_type="HTTP",
            description=f"modelcote {settings.stack}",
            tags=tags(settings),
            opts=below(self),
        )
        log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/aws/apigateway/{platform_name(settings, 'api')}",
            kms_key_id=args.key_arn,
            retention_in_days=settings.log_retention_days,
            tags=tags(settings),
            opts=below(self),
        )
        aws.apigatewayv2.Stage(
            f"{name}-stage",
            api_id=self.api.id,
            name="$default",
            auto_deploy=True,
            access_log_settings=aws.apigatewayv2.StageAccessLogSettingsArgs(
                destination_arn=log.arn, format=json.dumps(_ACCESS_LOG)
            ),
            default_route_settings=aws.apigatewayv2.StageDefaultRouteSettingsArgs(
                throttling_rate_limit=settings.throttle_rate,
                throttling_burst_limit=settings.throttle_burst,
                detailed_metrics_enabled=True,
            ),
            tags=tags(settings),
            opts=below(self),
        )
        self.url: pulumi.Output[str] = pulumi.Output.from_input(settings.public_url or self.api.api_endpoint)
        self.register_outputs({"url": self.url})


@dataclass(frozen=True)
class RoutesArgs:
    """`functions`: a function by the name that its children start with, and the routes that it answers."""

    api: aws.apigatewayv2.Api
    functions: Mapping[str, tuple[aws.lambda_.Function, tuple[str, ...]]]


class Routes(pulumi.ComponentResource):
    """Which function answers which route. Split from `Api`, whose URL the functions are told."""

    def __init__(self, name: str, args: RoutesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Routes", name, None, opts)
        for target, (function, keys) in args.functions.items():
            self._attach(f"{name}-{target}", args.api, function, keys)
        self.register_outputs({})

    def _attach(
        self, name: str, api: aws.apigatewayv2.Api, function: aws.lambda_.Function, keys: tuple[str, ...]
    ) -> None:
        integration = aws.apigatewayv2.Integration(
            f"{name}-integration",
            api_id=api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.invoke_arn,
            payload_format_version="2.0",
            opts=below(self),
        )
        aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(api.execution_arn, "/*"),
            opts=below(self),
        )
        for index, key in enumerate(keys):
            aws.apigatewayv2.Route(
                f"{name}-route-{index}",
                api_id=api.id,
                route_key=key,
                authorization_type="NONE",
                target=pulumi.Output.concat("integrations/", integration.id),
                opts=below(self),
            )
