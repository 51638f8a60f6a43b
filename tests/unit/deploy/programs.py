"""Small Pulumi programs, each run in a process of its own: `python -m tests.unit.deploy.programs NAME`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from modelcote.core.errors import Conflict, ModelcoteError, to_problem
from modelcote.deploy.program.monitor import Archive, Asset, Resource, run


class Recorder:
    """Hands that give every resource an ARN made of its name."""

    def __init__(self) -> None:
        self.seen: dict[str, Resource] = {}
        self.threads: set[int] = set()

    def create(self, resource: Resource) -> tuple[str, Mapping[str, Any]]:
        self.threads.add(threading.get_ident())
        self.seen[resource.name] = resource
        if resource.name == "refused":
            raise Conflict("the bucket name is in use.", "Choose another name.")
        return f"{resource.name}-id", {"arn": f"arn:{resource.name}", "version": "7"}

    def call(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"name": f"region of {token} {dict(args)}", "region": "eu-west-1"}


class Pair(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("test:index:Pair", name)
        below = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(f"{name}-role", assume_role_policy="{}", opts=below)
        log = aws.cloudwatch.LogGroup(f"{name}-log", retention_in_days=30, opts=below)
        function = aws.lambda_.Function(
            f"{name}-function",
            role=role.arn,
            timeout=30,
            code=pulumi.FileArchive("/some/folder"),
            environment={"variables": {"TOKEN": pulumi.Output.secret("hush")}},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[log], protect=True, retain_on_delete=True),
        )
        self.version = function.version
        self.url = function.invoke_arn
        self.register_outputs({})


def values() -> None:
    """Numbers, assets, secrets, dependencies, exports and missing outputs."""
    pair = Pair("one")
    aws.s3.BucketObjectv2("file", bucket="b", source=pulumi.StringAsset("text"))
    archive = pulumi.AssetArchive({"a.py": pulumi.StringAsset("1"), "lib": pulumi.FileArchive("/lib")})
    aws.lambda_.LayerVersion("layer", layer_name="layer", code=archive)
    pulumi.export("version", pair.version)
    pulumi.export("missing", pair.url)
    pulumi.export("plain", {"number": 3})
    pulumi.export("region", aws.get_region_output(region="x").region)


def refused() -> None:
    bucket = aws.s3.Bucket("refused")
    aws.s3.BucketObjectv2("after", bucket=bucket.arn)
    pulumi.export("bucket", bucket.arn)


def twice() -> None:
    aws.s3.Bucket("same")
    aws.s3.Bucket("same")


def secret_export() -> None:
    pulumi.export("key", pulumi.Output.secret("hush"))


def broken() -> None:
    aws.s3.Bucket("before")
    raise ZeroDivisionError("the program's own mistake")


def reads() -> None:
    aws.s3.Bucket.get("elsewhere", "its-id")


def _plain(value: Any) -> Any:
    if isinstance(value, Asset | Archive):
        return repr(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def main(name: str, threads: int) -> dict[str, Any]:
    hands = Recorder()
    try:
        exports = run(globals()[name], hands, stack="dev", threads=threads)
    except ModelcoteError as error:
        return {"problem": to_problem(error)}
    except ZeroDivisionError as error:
        return {"error": str(error)}
    resources = {
        row.name: {**vars(row), "inputs": _plain(row.inputs), "secrets": sorted(row.secrets)}
        for row in hands.seen.values()
    }
    return {"exports": exports, "resources": resources, "here": hands.threads == {threading.get_ident()}}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
