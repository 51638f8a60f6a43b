"""A model's role, and the permissions boundary of all of them."""

from __future__ import annotations

import pulumi

from infra.config import Settings
from infra.iam import Statement, tracing, write_log
from infra.naming import arn, log_group, platform_name
from modelcote.core.objects import BUNDLES, DETACHED, INPUTS, RESULTS


def boundary_arn(settings: Settings) -> str:
    """Return the ARN of the policy that bounds the models' roles."""
    return f"arn:aws:iam::{settings.account}:policy/modelcote/{settings.stack}/{platform_name(settings, 'boundary')}"


def model(
    settings: Settings,
    key_arn: pulumi.Input[str],
    bucket: pulumi.Input[str],
    *,
    function: str = "*",
    project: str = "*",
    name: str = "*",
) -> list[Statement]:
    """Write the model's own log and results; read its own bundles and inputs and its project's secrets.

    Without names: the most that any model's role may have, which is the models' permissions boundary.
    """
    owned = "*" if project == "*" else f"{project}/{name}/*"
    group = f"{settings.stack}_*" if function == "*" else function
    secrets = f"secret:modelcote/{settings.stack}/" + ("*" if project == "*" else f"{project}/*")

    def own(*names: str) -> list[pulumi.Output[str]]:
        return [pulumi.Output.concat("arn:aws:s3:::", bucket, f"/{name}/{owned}") for name in names]

    return [
        write_log(settings, log_group(group)),
        Statement("Bundles", ["s3:GetObject"], own(BUNDLES)),
        Statement("Inputs", ["s3:GetObject"], own(INPUTS)),
        # A result's tag says how long it is kept.
        Statement("Results", ["s3:PutObject", "s3:PutObjectTagging"], own(RESULTS, DETACHED)),
        Statement("Secrets", ["secretsmanager:GetSecretValue"], [arn(settings, "secretsmanager", secrets)]),
        Statement("Key", ["kms:Decrypt", "kms:GenerateDataKey"], [key_arn]),
        tracing(),
    ]
