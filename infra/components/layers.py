"""A runtime as a Lambda layer, shared by every model that it serves and named by its lock."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.config import Settings
from infra.naming import child_of, platform_name
from modelcote.core.names import fit
from modelcote.core.snapshot import Layer

TYPE = "modelcote:runtime:Layer"
IN_BUCKET = "s3:///"


class RuntimeLayer(pulumi.ComponentResource):
    """`arn`: the layer version's ARN.

    The archive is a local zip or folder, or `s3:///key` in `bucket`, the stack's artifact bucket: Lambda takes no more
    than 50 MB directly.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        layer: Layer,
        bucket: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(TYPE, name, None, opts)
        in_s3 = layer.archive.startswith(IN_BUCKET)
        version = aws.lambda_.LayerVersion(
            f"{name}-version",
            # A layer's name may not hold a dot.
            layer_name=fit(platform_name(settings, layer.key.replace(".", "_")), 140),
            description=f"modelcote runtime {layer.key}",
            code=None if in_s3 else pulumi.FileArchive(layer.archive),
            s3_bucket=bucket if in_s3 else None,
            s3_key=layer.archive.removeprefix(IN_BUCKET) if in_s3 else None,
            compatible_runtimes=[f"python{layer.python_version}"],
            compatible_architectures=[settings.architecture],
            opts=child_of(self),
        )
        self.arn = version.arn
        self.register_outputs({"arn": version.arn})
