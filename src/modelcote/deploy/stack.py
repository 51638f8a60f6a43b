"""A stack on AWS from this machine: `cote up`, and the processing of its deploy requests here.

`python -m modelcote.deploy.stack --stack S --region R` does the second, for a stack without its own deployer.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.config import Settings, check_settings
from infra.snapshot import read_registry
from modelcote.aws.clients import make_clients
from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Layer
from modelcote.deploy.artifacts.aws_runtimes import AwsRuntimes
from modelcote.deploy.assets import build_assets
from modelcote.deploy.program.pulumi_engine import PulumiEngine, require_cli
from modelcote.deploy.queue.consume import consume
from modelcote.registry.store import Registry, open_registry


def stack_up(stack: str, region: str, backend: str = "") -> Mapping[str, Any]:
    """Create or update the stack, scope `all`, with what its registry holds; return the program's exports.

    `backend`: where Pulumi keeps state (`s3://bucket`, `file://folder`); by default `PULUMI_BACKEND_URL`, or a folder
    of this user. Raises `DeployFailed`, also for missing credentials and a missing pulumi command.
    """
    return _engine(stack, region, backend).up(read_registry(stack, region).snapshot)


def process_deploys(stack: str, region: str, backend: str = "") -> int:
    """Process the stack's waiting deploy requests on this machine; return their number."""
    engine = _engine(stack, region, backend)
    registry = _registry(stack, region)
    runtimes = AwsRuntimes(registry, _home(stack) / "runtimes", engine.settings.architecture)
    return consume(registry, engine, runtimes, stack=stack)


def _engine(stack: str, region: str, backend: str) -> PulumiEngine:
    require_cli()
    assets = build_assets(_home(stack) / "build")
    settings = Settings(
        stack=stack,
        region=region,
        account=_account(region),
        platform_archive=assets["platform_archive"],
        platform_layer=Layer(**assets["platform_layer"]),
        predict_paths=tuple(assets["predict_paths"]),
    )
    return PulumiEngine(check_settings(settings, "all"), backend or _backend(stack), _home(stack))


def _home(stack: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "modelcote" / "stacks" / stack


def _backend(stack: str) -> str:
    # State is not a cache: by default it is with the user's data.
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "modelcote" / "state" / stack
    if named := os.environ.get("PULUMI_BACKEND_URL"):
        return named
    data.mkdir(parents=True, exist_ok=True)
    return data.as_uri()


def _account(region: str) -> str:
    try:
        return str(boto3.client("sts", region_name=region).get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise DeployFailed(
            f"AWS rejected these credentials: {error}.", "Log in (`aws sso login`) or set AWS_PROFILE."
        ) from error


def _registry(stack: str, region: str) -> Registry:
    """Return the stack's registry, as its control function's environment names it."""
    session = boto3.Session(region_name=region)
    try:
        control = session.client("lambda").get_function_configuration(FunctionName=f"modelcote-{stack}-control")
    except (BotoCoreError, ClientError) as error:
        raise DeployFailed(f"The stack {stack} cannot be read: {error}.", "Create it with `cote up`.") from error
    variables = control["Environment"]["Variables"]
    return open_registry(
        variables["MODELCOTE_REGISTRY_TABLE"],
        variables["MODELCOTE_BUCKET"],
        variables["MODELCOTE_DEPLOY_QUEUE_URL"],
        make_clients(session),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m modelcote.deploy.stack", description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--backend", default="")
    options = parser.parse_args()
    print(f"{process_deploys(options.stack, options.region, options.backend)} deploy requests processed")


if __name__ == "__main__":
    main()
