"""Makers of layers, functions, aliases, permissions and event sources."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

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
from modelcote.local.materialise.maker import (
    EXISTS,
    MISSING,
    Context,
    Inputs,
    Maker,
    Order,
    Result,
    arn,
    attempt,
    members,
    removal,
)
from modelcote.local.materialise.state import LAYER, Record

_PROXY = "MINISTACK_LAMBDA_PROXY_URL"


def _layer(order: Order) -> Result:
    # Nothing on the emulator reads a layer: functions run in its environment, which the archive's path names.
    layer = order.client("lambda").publish_layer_version(
        LayerName=order.inputs["layerName"],
        Content={"ZipFile": _zip("layer.txt", order.inputs["layerName"])},
        CompatibleRuntimes=order.inputs.get("compatibleRuntimes", []),
    )
    return layer["LayerVersionArn"], {
        "arn": layer["LayerVersionArn"],
        "layerArn": layer["LayerArn"],
        "version": str(layer["Version"]),
        "archive": order.inputs["code"]["path"],
    }


def _no_network(_order: Order) -> Result:
    raise DeployFailed(
        "the local cloud has no networks and cannot make a security group.",
        "Leave webhook_network out of its settings: webhooks are sent from this machine.",
    )


def _zip(name: str, content: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def _function(order: Order) -> Result:
    client, name, folder = order.client("lambda"), str(order.inputs["name"]), order.context.home / "functions"
    variables = dict((order.inputs.get("environment") or {}).get("variables") or {})
    code, unpacked = _code(order.context, order.inputs)
    settings: dict[str, Any] = {
        "FunctionName": name,
        **members(
            order.inputs, "role", "runtime", "handler", "timeout", "memorySize", "description", "deadLetterConfig"
        ),
        "Environment": {"Variables": {**variables, _PROXY: f"{order.context.host}/forwarded"}},
        "Layers": list(order.inputs.get("layers") or []),
    }

    def update() -> None:
        client.update_function_code(FunctionName=name, **code)
        client.update_function_configuration(**settings)

    attempt(lambda: client.create_function(**settings, Code=code), EXISTS, update)
    published = client.publish_version(FunctionName=name)["Version"] if order.inputs.get("publish") else LATEST
    version = FunctionVersion(
        version=published,
        handler=str(order.inputs["handler"]),
        python=str(Path(order.context.state.archive_of(settings["Layers"][-1])) / "bin" / "python"),
        code=str(unpacked),
        memory_mb=int(order.inputs["memorySize"]),
        timeout_s=int(order.inputs["timeout"]),
        environment=variables,
    )
    identity, reserved = arn("lambda", f"function:{name}"), order.inputs.get("reservedConcurrentExecutions")
    before = read_definition(folder, name) or FunctionDefinition(name, identity, {})
    versions = {**before.versions, published: version, LATEST: replace(version, version=LATEST)}
    reserved = reserved if reserved is not None and reserved >= 0 else None
    write_definition(folder, replace(before, versions=versions, reserved=reserved))
    return name, {
        "name": name,
        "arn": identity,
        "invokeArn": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{identity}/invocations",
        "version": published,
        "qualifiedArn": f"{identity}:{published}",
    }


def _code(context: Context, inputs: Inputs) -> tuple[dict[str, Any], Path]:
    """Return the code as the emulator accepts it, and the folder with the unpacked code, named by its content."""
    folder, archive = context.home / "code", inputs.get("code") or {}
    if not inputs.get("s3Key"):
        unpacked = _unpack(Path(archive["path"]), folder / (archive["sha256"] or _file_name(archive["path"])))
        return {"ZipFile": _zip("code.txt", str(archive["sha256"]))}, unpacked
    bucket, key = str(inputs["s3Bucket"]), str(inputs["s3Key"])
    unpacked = folder / _file_name(str(inputs.get("sourceCodeHash") or inputs.get("codeSha256") or key))
    if not unpacked.is_dir():
        with tempfile.NamedTemporaryFile(suffix=".zip") as file:
            context.client("s3").download_fileobj(bucket, key, file)
            file.flush()
            _unpack(Path(file.name), unpacked)
    return {"S3Bucket": bucket, "S3Key": key}, unpacked


def _file_name(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text)


def _unpack(path: Path, folder: Path) -> Path:
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix="unpacking-"))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(unfinished)
    unfinished.chmod(0o755)
    try:
        unfinished.rename(folder)
    except OSError:
        shutil.rmtree(unfinished)
    return folder


_delete_function = removal("lambda", "delete_function", "FunctionName")


def _remove_function(context: Context, record: Record) -> None:
    definition_path(context.home / "functions", record.id).unlink(missing_ok=True)
    _delete_function(context, record)


def _alias(order: Order) -> Result:
    client, folder = order.client("lambda"), order.context.home / "functions"
    request = members(order.inputs, "functionName", "name", "functionVersion")
    attempt(lambda: client.create_alias(**request), EXISTS, lambda: client.update_alias(**request))
    function, name = str(order.inputs["functionName"]), str(order.inputs["name"])
    definition = read_definition(folder, function)
    if definition is not None:
        aliases = {**definition.aliases, name: str(order.inputs["functionVersion"])}
        served = {*aliases.values(), LATEST}
        versions = {number: row for number, row in definition.versions.items() if number in served}
        # In this one step the callers of the alias move; the host lets running calls of the old version finish.
        write_definition(folder, replace(definition, aliases=aliases, versions=versions))
    identity = f"{arn('lambda', f'function:{function}')}:{name}"
    return identity, {"arn": identity, "name": name, "invokeArn": identity}


def _provisioned(order: Order) -> Result:
    function, qualifier = str(order.inputs["functionName"]), str(order.inputs["qualifier"])
    folder, count = order.context.home / "functions", int(order.inputs["provisionedConcurrentExecutions"])
    definition = read_definition(folder, function)
    if definition is not None:
        number = definition.aliases.get(qualifier, qualifier)
        versions = {**definition.versions, number: replace(definition.versions[number], provisioned=count)}
        write_definition(folder, replace(definition, versions=versions))
    return f"{function}:{qualifier}", {}


def _permission(order: Order) -> Result:
    client, statement = order.client("lambda"), order.name("statementId")
    request = {"FunctionName": order.inputs["function"], "StatementId": statement}
    request.update(members(order.inputs, "action", "principal", "sourceArn"))
    attempt(lambda: client.add_permission(**request), EXISTS)
    return statement, {"statementId": statement}


def _event_source(order: Order) -> Result:
    client = order.client("lambda")
    identifiers = members(order.inputs, "eventSourceArn", "functionName")
    settings: dict[str, Any] = {
        "FunctionName": order.inputs["functionName"],
        **members(order.inputs, "batchSize", "maximumBatchingWindowInSeconds", "enabled"),
        "FunctionResponseTypes": list(order.inputs.get("functionResponseTypes") or []),
        # An empty object removes a limit that was set before.
        "ScalingConfig": members(order.inputs.get("scalingConfig") or {}, "maximumConcurrency"),
    }
    existing = [row["UUID"] for row in client.list_event_source_mappings(**identifiers)["EventSourceMappings"]]
    current = order.id if order.id in existing else next(iter(existing), "")
    if current:
        row = client.update_event_source_mapping(UUID=current, **settings)
    else:
        row = client.create_event_source_mapping(EventSourceArn=order.inputs["eventSourceArn"], **settings)
    identity = str(row["UUID"])
    # A crash between making and recording may have left a second one, which would take every other message; and the
    # recorded one may be of another queue or function, which cannot be changed in place.
    for other in {*existing, order.id} - {identity, ""}:
        attempt(partial(client.delete_event_source_mapping, UUID=other), MISSING)
    return identity, {"uuid": identity, "arn": arn("lambda", f"event-source-mapping:{identity}")}


MAKERS: dict[str, Maker] = {
    LAYER: Maker(_layer),
    "aws:lambda/function:Function": Maker(_function, _remove_function),
    "aws:lambda/alias:Alias": Maker(_alias),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": Maker(_provisioned),
    "aws:lambda/permission:Permission": Maker(_permission),
    "aws:ec2/securityGroup:SecurityGroup": Maker(_no_network),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Maker(
        _event_source, removal("lambda", "delete_event_source_mapping", "UUID")
    ),
}
