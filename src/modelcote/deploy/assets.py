"""`python -m modelcote.deploy.assets`: build what `pulumi up` uploads, and list it in `assets.json`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from modelcote.core.project import project_root
from modelcote.core.snapshot import Layer
from modelcote.core.spec import default_python_version
from modelcote.deploy.artifacts.layers import PLATFORMS, build_layer
from modelcote.deploy.artifacts.package import platform_package, project_package
from modelcote.deploy.artifacts.runtimes import committed
from modelcote.dialects import PREDICT_ROUTES


def build_assets(out: Path, architecture: str = "x86_64") -> dict[str, Any]:
    """Build the platform's zip, its layer and the project's zip below `out`; return what `assets.json` holds.

    A layer whose lock did not change is not built again. The project's zip is made from a checkout only.
    """
    out.mkdir(parents=True, exist_ok=True)
    python, version = Path(sys.executable), default_python_version()
    runtime = committed("platform", version)
    archive = out / f"{runtime.key}-{architecture}.zip"
    if not archive.exists():
        build_layer(runtime, archive, platform=PLATFORMS[architecture], python=python)
    assets: dict[str, Any] = {
        "platform_archive": str(platform_package(out / "platform.zip", python)),
        "platform_layer": asdict(Layer(runtime.key, "platform", version, str(archive))),
        "predict_paths": [route.path for route in PREDICT_ROUTES],
        "builder_archive": str(project_package(out / "modelcote.zip")) if (project_root() / "src").is_dir() else "",
    }
    (out / "assets.json").write_text(json.dumps(assets, indent=1) + "\n", encoding="utf-8")
    return assets


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m modelcote.deploy.assets", description=__doc__)
    parser.add_argument("--out", type=Path, default=project_root() / "build")
    parser.add_argument("--architecture", choices=sorted(PLATFORMS), default="x86_64")
    options = parser.parse_args()
    build_assets(options.out.resolve(), options.architecture)
    print(options.out / "assets.json")


if __name__ == "__main__":
    main()
