"""Makers of roles, functions, layers and the HTTP API."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from modelcote.core.errors import DeployFailed
from modelcote.local.functions import (
    LATEST,
    FunctionDefinition,
    FunctionVersion,
    definition_path,
    read_definition,
    write_definition,
)
from modelcote.local.host.settings import REGION
from modelcote.local.materialise.context import Context, Inputs, Made, Maker, arn, auto_name, code_of, nothing, quietly
from modelcote.local.materialise.state import LAYER, Record

_PROXY = "MINISTACK_LAMBDA_PROXY_URL"


def _role(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    iam, name = context.client("iam"), auto_name(urn, inputs)[-64:]
    request = {
        "RoleName": name,
        "AssumeRolePolicyDocument": inputs["assumeRolePolicy"],
        "Path": inputs.get("path", "/"),
    }
    if inputs.get("permissionsBoundary"):
        request["PermissionsBoundary"] = inputs["permissionsBoundary"]
    try:
        made = iam.create_role(**request)["Role"]
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=inputs["assumeRolePolicy"])
        made = iam.get_role(RoleName=name)["Role"]
    return name, {"name": name, "arn": made["Arn"]}


def _remove_role(context: Context, record: Record) -> None:
    quietly(lambda: context.client("iam").delete_role(RoleName=record.id), "NoSuchEntity", "NoSuchEntityException")


def _role_policy(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    role, name = str(inputs["role"]), auto_name(urn, inputs)
    context.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=inputs["policy"])
    return f"{role}:{name}", {"name": name}


def _remove_role_policy(context: Context, record: Record) -> None:
    role, name = record.id.split(":", 1)
    quietly(
        lambda: context.client("iam").delete_role_policy(RoleName=role, PolicyName=name),
        "NoSuchEntity",
        "NoSuchEntityException",
    )


def _policy(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    iam, name = context.client("iam"), auto_name(urn, inputs)
    made = arn("iam", f"policy/{name}", region=False)
    try:
        made = iam.create_policy(PolicyName=name, PolicyDocument=inputs["policy"])["Policy"]["Arn"]
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
        iam.create_policy_version(PolicyArn=made, PolicyDocument=inputs["policy"], SetAsDefault=True)
    return made, {"arn": made, "name": name}


def _layer(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    # Nothing on the emulator reads a layer: functions run in its environment, which the archive's path names.
    made = context.client("lambda").publish_layer_version(
        LayerName=inputs["layerName"],
        Content={"ZipFile": _zip({"layer.txt": inputs["layerName"].encode()})},
        CompatibleRuntimes=inputs.get("compatibleRuntimes", []),
    )
    return made["LayerVersionArn"], {
        "arn": made["LayerVersionArn"],
        "layerArn": made["LayerArn"],
        "version": str(made["Version"]),
        "archive": inputs["code"]["path"],
    }


def _no_network(_context: Context, _urn: str, _inputs: Inputs, _before: Record | None) -> Made:
    raise DeployFailed(
        "the local cloud has no networks, so that it makes no security group.",
        "Leave webhook_network out of its settings: webhooks are sent from this machine.",
    )


def _zip(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _function(context: Context, _urn: str, inputs: Inputs, before: Record | None) -> Made:
    client, name = context.client("lambda"), str(inputs["name"])
    variables = dict((inputs.get("environment") or {}).get("variables") or {})
    code, folder = _code(context, inputs)
    settings: dict[str, Any] = {
        "FunctionName": name,
        "Role": inputs["role"],
        "Runtime": inputs["runtime"],
        "Handler": inputs["handler"],
        "Timeout": inputs["timeout"],
        "MemorySize": inputs["memorySize"],
        "Environment": {"Variables": {**variables, _PROXY: f"{context.host}/forwarded"}},
        "Layers": list(inputs.get("layers") or []),
    }
    if inputs.get("deadLetterConfig"):
        settings["DeadLetterConfig"] = {"TargetArn": inputs["deadLetterConfig"]["targetArn"]}
    try:
        client.create_function(**settings, Code=code, Description=inputs.get("description", ""))
    except ClientError as error:
        if code_of(error) != "ResourceConflictException":
            raise
        client.update_function_code(FunctionName=name, **code)
        client.update_function_configuration(**settings)
    published = client.publish_version(FunctionName=name)["Version"] if inputs.get("publish") else LATEST
    made = arn("lambda", f"function:{name}")
    reserved = inputs.get("reservedConcurrentExecutions")
    version = FunctionVersion(
        version=published,
        handler=str(inputs["handler"]),
        python=str(Path(context.state.archive_of(settings["Layers"][-1])) / "bin" / "python"),
        code=str(folder),
        memory_mb=int(inputs["memorySize"]),
        timeout_s=int(inputs["timeout"]),
        environment=variables,
    )
    known = read_definition(context.home / "functions", name)
    versions = dict(known.versions) if known is not None else {}
    versions.update({published: version, LATEST: replace(version, version=LATEST)})
    write_definition(
        context.home / "functions",
        FunctionDefinition(
            name,
            made,
            versions,
            dict(known.aliases) if known is not None else {},
            reserved if reserved is not None and reserved >= 0 else None,
        ),
    )
    invoke = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{made}/invocations"
    return name, {
        "name": name,
        "arn": made,
        "invokeArn": invoke,
        "version": published,
        "qualifiedArn": f"{made}:{published}",
        "qualifiedInvokeArn": invoke,
        **({"lastModified": before.outputs.get("lastModified", "")} if before is not None else {}),
    }


def _code(context: Context, inputs: Inputs) -> tuple[dict[str, Any], Path]:
    """The code as the emulator takes it, and the folder in which it lies unpacked, named by its content."""
    if inputs.get("s3Key"):
        bucket, key = str(inputs["s3Bucket"]), str(inputs["s3Key"])
        named = str(inputs.get("sourceCodeHash") or inputs.get("codeSha256") or "")
        folder = context.home / "code" / (_file_name(named) or _file_name(key))
        if not folder.is_dir():
            with tempfile.NamedTemporaryFile(suffix=".zip") as file:
                context.client("s3").download_fileobj(bucket, key, file)
                file.flush()
                _unpack(Path(file.name), folder)
        return {"S3Bucket": bucket, "S3Key": key}, folder
    archive = inputs["code"]
    folder = context.home / "code" / (archive["sha256"] or _file_name(archive["path"]))
    if not folder.is_dir():
        _unpack(Path(archive["path"]), folder)
    return {"ZipFile": _zip({"code.txt": str(archive["sha256"]).encode()})}, folder


def _file_name(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text)


def _unpack(path: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix="unpacking-"))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(unfinished)
    unfinished.chmod(0o755)
    try:
        unfinished.rename(folder)
    except OSError:
        shutil.rmtree(unfinished)


def _remove_function(context: Context, record: Record) -> None:
    definition_path(context.home / "functions", record.id).unlink(missing_ok=True)
    quietly(lambda: context.client("lambda").delete_function(FunctionName=record.id), "ResourceNotFoundException")


def _alias(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    client = context.client("lambda")
    function, name, version = (str(inputs[key]) for key in ("functionName", "name", "functionVersion"))
    try:
        client.create_alias(FunctionName=function, Name=name, FunctionVersion=version)
    except ClientError as error:
        if code_of(error) != "ResourceConflictException":
            raise
        client.update_alias(FunctionName=function, Name=name, FunctionVersion=version)
    folder = context.home / "functions"
    known = read_definition(folder, function)
    if known is not None:
        aliases = {**known.aliases, name: version}
        served = {*aliases.values(), LATEST}
        # In this one step the callers of the alias move; the host lets running calls of the old version finish.
        write_definition(
            folder,
            replace(
                known, aliases=aliases, versions={key: row for key, row in known.versions.items() if key in served}
            ),
        )
    made = f"{arn('lambda', f'function:{function}')}:{name}"
    return made, {"arn": made, "name": name, "invokeArn": made}


def _provisioned(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    function, qualifier = str(inputs["functionName"]), str(inputs["qualifier"])
    folder, wanted = context.home / "functions", int(inputs["provisionedConcurrentExecutions"])
    known = read_definition(folder, function)
    if known is not None:
        number = known.aliases.get(qualifier, qualifier)
        versions = dict(known.versions)
        versions[number] = replace(versions[number], provisioned=wanted)
        write_definition(folder, replace(known, versions=versions))
    return f"{function}:{qualifier}", {}


def _permission(context: Context, urn: str, inputs: Inputs, _before: Record | None) -> Made:
    statement = auto_name(urn, inputs, "statementId")
    request = {"SourceArn": inputs["sourceArn"]} if inputs.get("sourceArn") else {}
    quietly(
        lambda: context.client("lambda").add_permission(
            FunctionName=inputs["function"],
            StatementId=statement,
            Action=inputs["action"],
            Principal=inputs["principal"],
            **request,
        ),
        "ResourceConflictException",
    )
    return statement, {"statementId": statement}


def _api(context: Context, urn: str, inputs: Inputs, before: Record | None) -> Made:
    client, name = context.client("apigatewayv2"), auto_name(urn, inputs)
    found = [row["ApiId"] for row in client.get_apis().get("Items", []) if row["Name"] == name]
    if before is not None and before.id in found:
        made = before.id
    else:
        made = found[0] if found else client.create_api(Name=name, ProtocolType=inputs["protocolType"])["ApiId"]
    return made, {
        "name": name,
        "apiEndpoint": f"{context.emulator}/_aws/execute-api/{made}/$default",
        "executionArn": arn("execute-api", made),
        "arn": f"arn:aws:apigateway:{REGION}::/apis/{made}",
    }


def _integration(context: Context, _urn: str, inputs: Inputs, before: Record | None) -> Made:
    client = context.client("apigatewayv2")
    request = {
        "ApiId": inputs["apiId"],
        "IntegrationType": inputs["integrationType"],
        "IntegrationUri": inputs["integrationUri"],
        "PayloadFormatVersion": inputs["payloadFormatVersion"],
    }
    if before is not None:
        try:
            client.update_integration(IntegrationId=before.id, **request)
        except ClientError as error:
            if code_of(error) != "NotFoundException":
                raise
        else:
            return before.id, {}
    return client.create_integration(**request)["IntegrationId"], {}


def _route(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    client, api, key = context.client("apigatewayv2"), inputs["apiId"], inputs["routeKey"]
    found = [row["RouteId"] for row in client.get_routes(ApiId=api).get("Items", []) if row["RouteKey"] == key]
    if found:
        client.update_route(ApiId=api, RouteId=found[0], Target=inputs["target"])
        return found[0], {}
    made = client.create_route(
        ApiId=api, RouteKey=key, Target=inputs["target"], AuthorizationType=inputs.get("authorizationType", "NONE")
    )
    return made["RouteId"], {}


def _remove_route(context: Context, record: Record) -> None:
    quietly(
        lambda: context.client("apigatewayv2").delete_route(ApiId=record.inputs["apiId"], RouteId=record.id),
        "NotFoundException",
    )


def _stage(context: Context, _urn: str, inputs: Inputs, _before: Record | None) -> Made:
    client, api, name = context.client("apigatewayv2"), inputs["apiId"], str(inputs["name"])
    quietly(
        lambda: client.create_stage(ApiId=api, StageName=name, AutoDeploy=bool(inputs.get("autoDeploy"))),
        "ConflictException",
    )
    return name, {
        "name": name,
        "invokeUrl": f"{context.emulator}/_aws/execute-api/{api}/{name}",
        "executionArn": arn("execute-api", f"{api}/{name}"),
        "arn": f"arn:aws:apigateway:{REGION}::/apis/{api}/stages/{name}",
    }


MAKERS: dict[str, Maker] = {
    "aws:iam/role:Role": Maker(_role, _remove_role),
    "aws:iam/rolePolicy:RolePolicy": Maker(_role_policy, _remove_role_policy),
    "aws:iam/policy:Policy": Maker(_policy, nothing),
    LAYER: Maker(_layer, nothing),
    "aws:lambda/function:Function": Maker(_function, _remove_function),
    "aws:lambda/alias:Alias": Maker(_alias, nothing),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": Maker(_provisioned, nothing),
    "aws:lambda/permission:Permission": Maker(_permission, nothing),
    "aws:ec2/securityGroup:SecurityGroup": Maker(_no_network, nothing),
    "aws:apigatewayv2/api:Api": Maker(_api, nothing),
    "aws:apigatewayv2/integration:Integration": Maker(_integration, nothing),
    "aws:apigatewayv2/route:Route": Maker(_route, _remove_route),
    "aws:apigatewayv2/stage:Stage": Maker(_stage, nothing),
}
