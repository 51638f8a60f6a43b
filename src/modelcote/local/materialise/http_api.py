"""Makers of the HTTP API: API, integrations, routes and stage."""

from __future__ import annotations

from modelcote.local.materialise.maker import EXISTS, MISSING, Maker, Order, Result, arn, attempt, members, removal


def _api(order: Order) -> Result:
    client, name = order.client("apigatewayv2"), order.name()
    existing = [row["ApiId"] for row in client.get_apis().get("Items", []) if row["Name"] == name]
    if order.id in existing:
        existing = [order.id]
    identity = (
        existing[0] if existing else client.create_api(**members(order.inputs, "protocolType"), Name=name)["ApiId"]
    )
    return identity, {
        "name": name,
        "apiEndpoint": f"{order.context.emulator}/_aws/execute-api/{identity}/$default",
        "executionArn": arn("execute-api", identity),
    }


def _integration(order: Order) -> Result:
    client = order.client("apigatewayv2")
    request = members(order.inputs, "apiId", "integrationType", "integrationUri", "payloadFormatVersion")
    updated = (
        attempt(lambda: client.update_integration(**request, IntegrationId=order.id), MISSING) if order.id else None
    )
    return (updated or client.create_integration(**request))["IntegrationId"], {}


def _route(order: Order) -> Result:
    client, api, key = order.client("apigatewayv2"), order.inputs["apiId"], order.inputs["routeKey"]
    existing = [row["RouteId"] for row in client.get_routes(ApiId=api).get("Items", []) if row["RouteKey"] == key]
    if existing:
        client.update_route(ApiId=api, RouteId=existing[0], Target=order.inputs["target"])
        return existing[0], {}
    request = members(order.inputs, "apiId", "routeKey", "target", "authorizationType")
    return client.create_route(**request)["RouteId"], {}


def _stage(order: Order) -> Result:
    client, name = order.client("apigatewayv2"), str(order.inputs["name"])
    attempt(lambda: client.create_stage(StageName=name, **members(order.inputs, "apiId", "autoDeploy")), EXISTS)
    return name, {"name": name}


MAKERS: dict[str, Maker] = {
    "aws:apigatewayv2/api:Api": Maker(_api),
    "aws:apigatewayv2/integration:Integration": Maker(_integration),
    "aws:apigatewayv2/route:Route": Maker(
        _route, removal("apigatewayv2", "delete_route", "RouteId", ApiId=lambda record: record.inputs["apiId"])
    ),
    "aws:apigatewayv2/stage:Stage": Maker(_stage),
}
