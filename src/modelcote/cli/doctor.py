"""`cote doctor`: what is installed, what is missing, what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec

from modelcote.cli.output import Commands, Json, client, show
from modelcote.core.errors import ModelcoteError
from modelcote.core.spec import PYTHON_VERSIONS

app = Commands()


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
    checks = [check() for check in _CHECKS]
    document = {"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}

    lines = ((f"{'ok     ' if check.ok else 'missing'} {check.name}: {check.detail}", check.remedy) for check in checks)
    show(document, as_json, *(f"{line}\n        {remedy}" if remedy else line for line, remedy in lines))


def _python() -> Check:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ok = version in PYTHON_VERSIONS
    return Check("python", ok, version, "" if ok else f"Use Python {', '.join(PYTHON_VERSIONS)}.")


def _package(name: str, module: str, extra: str) -> Callable[[], Check]:
    def check() -> Check:
        ok = find_spec(module) is not None
        return Check(
            name, ok, "installed" if ok else "not installed", "" if ok else f'pip install "modelcote[{extra}]"'
        )

    return check


def _target() -> Check:
    try:
        with client() as api:
            models = api.models()["models"]
            return Check("target", True, f"{api.target.url}, {len(models)} models")
    except ModelcoteError as error:
        return Check("target", False, error.detail, error.remedy)


_CHECKS: tuple[Callable[[], Check], ...] = (
    _python,
    _package("local cloud", "ministack", "local"),
    _package("compiler", "skl2onnx", "compile"),
    _package("pulumi", "pulumi_aws", "aws"),
    _target,
)
