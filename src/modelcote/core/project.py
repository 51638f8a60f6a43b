"""The project's own files: in the wheel, or in the checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def project_root() -> Path:
    """Return the folder that holds `infra`, `handlers`, `runtime-images` and `Pulumi.yaml`.

    A wheel carries them as `modelcote/_project`; an editable install finds them in the checkout.
    """
    package = Path(__file__).resolve().parent.parent
    installed = package / "_project"
    return installed if installed.is_dir() else package.parent.parent
