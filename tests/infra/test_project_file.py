"""`Pulumi.yaml` by Pulumi's own rules, since no `pulumi` command works with a file that breaks one.

The rules are those of `sdk/go/common/workspace/project.go` (Validate, ValidateConfigValue) and of the schema
`project.json` beside it, at v3.274.1. Where there is a pulumi command, it reads the file too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcote.core.project import project_root
from tests.support.commands import run

ROOT = project_root()
TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict}
ATTRIBUTES = {"type", "items", "description", "secret", "default", "value"}


def load() -> dict[str, Any]:
    project: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    return project


def problems(project: dict[str, Any]) -> list[str]:
    """Return what Pulumi would refuse, and each path that leaves the project's folder."""
    found = [line for key, row in project["config"].items() for line in _config_problems(project["name"], key, row)]
    paths = {"main": project["main"], "virtualenv": project["runtime"]["options"]["virtualenv"]}
    found += [f"{name} is outside the project" for name, path in paths.items() if not _is_inside(path)]
    return found


def _config_problems(name: str, key: str, row: dict[str, Any]) -> Iterator[str]:
    if row.keys() - ATTRIBUTES:
        yield f"{key}: unknown attributes"
    if "default" in row and "value" in row:
        yield f"{key}: both a default and a value"
    if ":" in key and not key.startswith(f"{name}:"):
        if "type" in row or "default" in row:
            yield f"{key}: another namespace's key defines a type or a default"
        if row.get("value") is None:
            yield f"{key}: another namespace's key has no value"
    elif "type" in row and row["type"] not in TYPES:
        yield f"{key}: unknown type"
    elif "type" in row and "default" in row and type(row["default"]) is not TYPES[row["type"]]:
        yield f"{key}: the default is of another type"


def _is_inside(path: str) -> bool:
    # Pulumi joins both with the folder of Pulumi.yaml, not with `main`.
    return (ROOT / path).resolve().is_relative_to(ROOT.resolve())


def test_the_project_file_keeps_pulumis_rules() -> None:
    assert problems(load()) == []
    assert (ROOT / load()["main"] / "__main__.py").is_file()


@pytest.mark.parametrize(
    ("key", "row", "problem"),
    [
        ("aws:region", {"description": "The AWS region"}, "another namespace's key has no value"),
        ("aws:region", {"type": "string", "value": "eu-west-1"}, "another namespace's key defines a type or a default"),
        ("modelcote:tags", {"type": "map"}, "unknown type"),
        ("modelcote:tags", {"type": "object", "default": ""}, "the default is of another type"),
        ("modelcote:tags", {"summary": "Tags"}, "unknown attributes"),
    ],
)
def test_a_key_that_pulumi_refuses_is_found(key: str, row: dict[str, Any], problem: str) -> None:
    project = load()
    project["config"][key] = row
    assert problems(project) == [f"{key}: {problem}"]


def test_an_environment_outside_the_checkout_is_found() -> None:
    project = load()
    project["runtime"]["options"]["virtualenv"] = "../.venv"
    assert problems(project) == ["virtualenv is outside the project"]


def test_the_commands_of_the_guide_read_the_project_file(tmp_path: Path) -> None:
    """Run them where a pulumi command is on the path or named by `PULUMI_COMMAND`; its rules are tested above."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "state").mkdir()
    here = {"PULUMI_HOME": str(tmp_path / "home"), "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri()}
    environment = {**os.environ, **here, "PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    command = os.environ.get("PULUMI_COMMAND") or shutil.which("pulumi")
    guide = (ROOT / "docs" / "guides" / "aws.md").read_text(encoding="utf-8")
    for words in ("stack init dev", "config set aws:region eu-west-1"):
        assert f"$ pulumi {words}\n" in guide
        if command:
            run(command, *words.split(), "--non-interactive", cwd=tmp_path, env=environment)
