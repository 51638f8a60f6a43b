"""`python -m modelcote.deploy`: the deployer on AWS, in CodeBuild or on any machine with the pulumi command.

Works off the deploy queue until it is empty. Environment: `MODELCOTE_STACK`, `MODELCOTE_REGISTRY_TABLE`,
`MODELCOTE_BUCKET`, `MODELCOTE_DEPLOY_QUEUE_URL`, `MODELCOTE_SCOPE`, `MODELCOTE_SETTINGS_KEY` (the settings' JSON in
the artifact bucket, as `cote up` or `pulumi up` left it), `PULUMI_BACKEND_URL`, and AWS's own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import cast

from infra.config import SCOPES, Scope, settings_from_json
from modelcote.core.errors import DeployFailed
from modelcote.deploy.aws_builder import AwsBuilder
from modelcote.deploy.pulumi_engine import PulumiEngine
from modelcote.deploy.serve import serve
from modelcote.registry.store import registry_from_env
