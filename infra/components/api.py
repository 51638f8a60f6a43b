"""The HTTP API: predict to the gateway, everything else to control."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from infra.components.identity import make_log_group
from infra.config import Settings
from infra.naming import child_of, platform_name, tags

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


class Api(pulumi.ComponentResource):
    """The API and its stage. `url`: where callers reach it."""

    def __init__(self, parent: pulumi.Resource, name: str, settings: Settings, key_arn: pulumi.Input[str]) -> None:
        super().__init__("modelcote:platform:Api", name, None, child_of(parent))
        self.api = aws.apigatewayv2.Api(
            f"{name}-http",
            name=platform_name(settings, "api"),
            protocol_type="HTTP",
            description=f"modelcote {settings.stack}",
            tags=tags(settings),
            opts=child_of(self),
        )
        group = f"/aws/apigateway/{platform_name(settings, 'api')}"
        log = make_log_group(self, name, settings, group=group, key_arn=key_arn)
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
            opts=child_of(self),
        )
        self.url: pulumi.Output[str] = pulumi.Output.from_input(settings.public_url or self.api.api_endpoint)
        self.register_outputs({"url": self.url})


class Routes(pulumi.ComponentResource):
    """Which function answers which route. Apart from `Api`, whose URL is in the functions' environments.

    `functions`: each function and the routes that it answers, by the name of their resources.
    """

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        api: aws.apigatewayv2.Api,
        functions: Mapping[str, tuple[aws.lambda_.Function, tuple[str, ...]]],
    ) -> None:
        super().__init__("modelcote:platform:Routes", name, None, child_of(parent))
        for target, (function, keys) in functions.items():
            self._attach(f"{name}-{target}", api, function, keys)
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
            opts=child_of(self),
        )
        aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(api.execution_arn, "/*"),
            opts=child_of(self),
        )
        for index, key in enumerate(keys):
            aws.apigatewayv2.Route(
                f"{name}-route-{index}",
                api_id=api.id,
                route_key=key,
                authorization_type="NONE",
                target=pulumi.Output.concat("integrations/", integration.id),
                opts=child_of(self),
            )
