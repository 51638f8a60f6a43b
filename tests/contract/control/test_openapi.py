"""The committed OpenAPI document is what the code says, and it is valid."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from openapi_spec_validator import validate

from modelcote.control.app import openapi_document
from modelcote.core.errors import BY_CODE
from modelcote.core.project import project_root
from modelcote.dialects import DIALECTS
from modelcote.dialects.openapi import FILE, main
from tests.contract.control.stand import Stand


def test_the_committed_document_is_the_code_s() -> None:
    assert json.loads((project_root() / FILE).read_text()) == openapi_document(DIALECTS)
    assert main(["--check"]) == 0
    assert main(["--nothing"]) == 2


def test_it_is_valid_and_complete() -> None:
    document = openapi_document(DIALECTS)
    validate(document)
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}, path
            assert ("security" in operation) == (path != "/healthz")


def test_it_is_served(stand: Stand) -> None:
    assert stand.http.get("/openapi.json").json() == openapi_document(DIALECTS)


def test_check_runs_as_a_command() -> None:
    command = [sys.executable, "-m", "modelcote.dialects.openapi", "--check"]
    assert subprocess.run(command, cwd=project_root(), check=False).returncode == 0


def test_the_guide_lists_every_code_with_its_status() -> None:
    text = (project_root() / "docs/guides/errors.md").read_text(encoding="utf-8")
    rows = {code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d{3}) \|", text, re.MULTILINE)}
    assert rows == {code: error.status for code, error in BY_CODE.items()}
