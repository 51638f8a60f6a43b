"""`python -m modelcote.deploy`: the deployer on AWS, in CodeBuild or on any machine with the pulumi command.

Processes the deploy queue until it is empty. Environment: `MODELCOTE_SETTINGS` (the program's settings for scope
`model`, as JSON), `MODELCOTE_REGISTRY_TABLE`, `MODELCOTE_BUCKET`, `MODELCOTE_DEPLOY_QUEUE_URL`, `PULUMI_BACKEND_URL`,
and AWS's own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from infra.config import Settings, check_settings, settings_from_json
from modelcote.core.errors import DeployFailed, ModelcoteError
from modelcote.deploy.artifacts.aws_runtimes import AwsRuntimes
from modelcote.deploy.program.pulumi_engine import PulumiEngine, require_cli
from modelcote.deploy.queue.consume import consume
from modelcote.registry.store import registry_from_env

NEEDED = (
    "MODELCOTE_SETTINGS",
    "MODELCOTE_REGISTRY_TABLE",
    "MODELCOTE_BUCKET",
    "MODELCOTE_DEPLOY_QUEUE_URL",
    "PULUMI_BACKEND_URL",
)


def run() -> int:
    """Process the queue; return the number of requests. Raises `DeployFailed` for what the environment lacks."""
    settings = _settings()
    require_cli()
    registry = registry_from_env()
    with tempfile.TemporaryDirectory(prefix="modelcote-deployer-") as home:
        engine = PulumiEngine(settings, os.environ["PULUMI_BACKEND_URL"], Path(home), scope="model")
        runtimes = AwsRuntimes(registry, Path(home) / "runtimes", settings.architecture)
        return consume(registry, engine, runtimes, stack=settings.stack)


def _settings() -> Settings:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise DeployFailed(f"{missing[0]} is not set.", "Run it in the CodeBuild project, or with its environment.")
    try:
        settings = settings_from_json(os.environ["MODELCOTE_SETTINGS"])
    except (ValueError, KeyError, TypeError) as error:
        raise DeployFailed(f"MODELCOTE_SETTINGS cannot be read: {error}.", "Update the platform's stack.") from error
    return check_settings(settings, "model")


def main() -> None:
    try:
        print(f"{run()} deploy requests processed")
    except ModelcoteError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
