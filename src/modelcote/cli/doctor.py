"""`cote doctor`: what is installed, what is missing, what to do about it."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec

from modelcote.cli.output import Commands, Json, client, show
from modelcote.core.errors import ModelcoteError
from modelcote.core.spec import PYTHON_VERSIONS

app = Commands()
# Name, the module that shows whether it is installed, and our extra that installs it.
PACKAGES = (("local cloud", "ministack", "local"), ("compiler", "skl2onnx", "compile"), ("pulumi", "pulumi_aws", "aws"))


@dataclass(frozen=True)
class Check:
    """The result of one check; `remedy` is empty if it passed."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@app.command("doctor")
def doctor(as_json: Json = False) -> None:
    """Check what is installed here, and whether the target answers."""
    packages = [_package(*package) for package in PACKAGES]
    checks = [_python(), *packages, _target()]
    document = {"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}

    lines = ((f"{'ok     ' if check.ok else 'missing'} {check.name}: {check.detail}", check.remedy) for check in checks)
    show(document, as_json, *(f"{line}\n        {remedy}" if remedy else line for line, remedy in lines))


def _python() -> Check:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ok = version in PYTHON_VERSIONS
    return Check("python", ok, version, "" if ok else f"Use Python {', '.join(PYTHON_VERSIONS)}.")


def _package(name: str, module: str, extra: str) -> Check:
    if find_spec(module) is not None:
        return Check(name, True, "installed")
    return Check(name, False, "not installed", f'pip install "modelcote[{extra}]"')


def _target() -> Check:
    try:
        with client() as api:
            models = api.models()["models"]
            return Check("target", True, f"{api.target.url}, {len(models)} models")
    except ModelcoteError as error:
        return Check("target", False, error.detail, error.remedy)
