"""The program of `pulumi preview` and `pulumi up`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

# The Pulumi command puts this folder, not its parent, on the path.
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


def main() -> None:
    """Read the configuration and the snapshot, then register everything."""
    from infra.program import program
    from infra.snapshot import load_snapshot
    from infra.stack_config import settings_from_config

    config = pulumi.Config("modelcote")
    stack, region = pulumi.get_stack(), pulumi.Config("aws").require("region")
    settings, scope = settings_from_config(
        config, stack=stack, region=region, root=ROOT, account=lambda: aws.get_caller_identity().account_id
    )
    file = os.environ.get("MODELCOTE_SNAPSHOT") or config.get("snapshot") or ""
    allow_empty = bool(config.get_bool("allowEmpty"))
    program(load_snapshot(file, stack=stack, region=region, allow_empty=allow_empty), settings, scope)


main()
